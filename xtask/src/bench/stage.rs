//! What the rows are measured on: a PostgreSQL, the release backend, and the frontend.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use todo::{
    node,
    output::note,
    postgres::Server,
    process::Program,
    secret,
    stack::{self, Backend, Frontend, Running},
    workspace::Workspace,
};
use tokio::sync::{Mutex, OnceCell};

use super::{
    fill::{self, Filled},
    http::{Connection, Request, Response},
    latencies::Latencies,
    load::Load,
    measurement::Measurement,
    pgbench::Pgbench,
    processes::{self, Memory},
};

/// Connections of a load, unless a row needs another number.
pub const CONNECTIONS: usize = 16;
/// Connections of pgbench, as many as the backend's pool has. PostgreSQL spends more on a statement the more of them wait
/// for the same lock.
pub const DATABASE_CONNECTIONS: usize = 10;
/// Connections and time of a load that is only measured for its CPU time.
const FEW_CONNECTIONS: usize = 4;
const BRIEF: Duration = Duration::from_millis(600);
/// Load before what is measured, so that caches are filled and statements are prepared.
const WARM_UP: Duration = Duration::from_secs(1);

/// Limits that a load would reach.
const LIMITS: [(&str, &str); 5] = [
    ("MAX_TASKS_PER_USER", "100000000"),
    ("MAX_TASK_BYTES_PER_USER", "2147483647"),
    ("MAX_TOKENS_PER_USER", "10000"),
    ("MAX_STREAMS_PER_USER", "1000"),
    ("HTTP_MAX_CONNECTIONS", "10000"),
];

pub struct Stage {
    pub workspace: Workspace,
    pub server: Server,
    pub database_url: String,
    pub pool: PgPool,
    /// Whether to measure little, in little time.
    pub quick: bool,
    backend: PathBuf,
    secret_key: String,
    frontend: OnceCell<()>,
    users: AtomicUsize,
    filled: Mutex<BTreeMap<usize, Filled>>,
}

/// A user of the application.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    /// The header of a request that is the user's.
    pub cookie: String,
}

impl Stage {
    /// Starts PostgreSQL with the settings of a new installation.
    pub async fn set_up(workspace: Workspace, backend: PathBuf, quick: bool) -> Result<Self> {
        note("starting PostgreSQL, with fsync");
        let (server, pool, database_url) = start_postgres().await?;
        let secret_key = secret::generate()?;
        Ok(Self {
            workspace,
            server,
            database_url,
            pool,
            quick,
            backend,
            secret_key,
            frontend: OnceCell::new(),
            users: AtomicUsize::new(0),
            filled: Mutex::default(),
        })
    }

    /// How long a load runs that is measured.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 8 })
    }

    /// Starts a backend with the documented defaults, but for limits that a load would reach.
    pub async fn backend(&self) -> Result<Service> {
        let backend = Backend {
            binary: self.backend.clone(),
            database_url: self.database_url.clone(),
            secret_key: self.secret_key.clone(),
            port: 0,
            metrics_port: 0,
            model_url: None,
            mcp_host: None,
        };
        Service::new(backend.start_with(&LIMITS, |_| {}).await?)
    }

    /// Builds the frontend, once, and starts it in front of a backend.
    pub async fn frontend(&self, backend: &Service) -> Result<Service> {
        let build = async || {
            note("building the frontend");
            node::install(&self.workspace).await?;
            let mut build = Program::start(stack::npm_run(&self.workspace, "build"), |_| {})?;
            anyhow::ensure!(build.wait().await?.success(), "the frontend does not build:\n{}", build.last_lines(20));
            Ok(())
        };
        self.frontend.get_or_try_init(build).await?;
        let frontend = Frontend {
            release: true,
            backend_url: backend.running.url.clone(),
            host: "127.0.0.1".into(),
            port: 0,
            metrics_port: 0,
        };
        Service::new(frontend.start(&self.workspace, |_| {}).await?)
    }

    /// A new user.
    pub fn user(&self, backend: &Service) -> Result<User> {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        let form = json!({ "email": format!("user-{number}@example.com"), "password": "correct horse battery" });
        let sign_up = Request::new("POST", "/api/auth/sign-up", &[], &form.to_string());
        let response = backend.send(&sign_up)?;
        let cookie = response.head.header("set-cookie").context("signing up set no cookie")?;
        let cookie = format!("cookie: {}", cookie.split(';').next().unwrap_or_default());
        let user: Value = response.json()?;
        Ok(User { id: user["id"].as_str().context("a user has an id")?.to_owned(), cookie })
    }

    /// A new user in a database without old versions of rows.
    pub async fn fresh_user(&self, backend: &Service) -> Result<User> {
        let user = self.user(backend)?;
        self.tidy().await?;
        Ok(user)
    }

    /// Removes old versions of rows and writes everything to disk, so that this does not happen while something is
    /// measured.
    pub async fn tidy(&self) -> Result<()> {
        self.sql("vacuum (analyze)").await?;
        self.sql("checkpoint").await
    }

    /// Runs statements.
    pub async fn sql(&self, statements: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.pool).await?;
        Ok(())
    }

    /// A user with this number of tasks, whom all rows share that only read.
    pub async fn filled(&self, backend: &Service, count: usize) -> Result<Filled> {
        let mut known = self.filled.lock().await;
        if let Some(filled) = known.get(&count) {
            return Ok(filled.clone());
        }
        note(&format!("inserting {count} tasks"));
        let filled = fill::user_with_tasks(self, backend, count).await?;
        known.insert(count, filled.clone());
        Ok(filled)
    }

    /// Runs a load on services twice, each time with a warm-up.
    pub async fn load_twice(
        &self,
        app: &[&Service],
        connections: usize,
        requests: Vec<Request>,
    ) -> Result<[Measurement; 2]> {
        Ok([self.load(app, connections, &requests).await?, self.load(app, connections, &requests).await?])
    }

    /// Runs a load twice for a time that is enough for the CPU time of a request, but not for its latency.
    pub async fn brief_load_twice(&self, backend: &Service, request: Request) -> Result<[Measurement; 2]> {
        let load = |duration| Load {
            address: backend.address,
            requests: vec![request.clone()],
            connections: FEW_CONNECTIONS,
            duration,
        };
        self.run_load(&[], load(BRIEF / 2)).await?;
        Ok([self.run_load(&[backend], load(BRIEF)).await?, self.run_load(&[backend], load(BRIEF)).await?])
    }

    /// Runs a load on the first service.
    pub async fn load(&self, app: &[&Service], connections: usize, requests: &[Request]) -> Result<Measurement> {
        let [target, ..] = app else { anyhow::bail!("a load needs a service") };
        let load =
            Load { address: target.address, requests: requests.to_vec(), connections, duration: self.duration() };
        self.run_load(&[], Load { duration: WARM_UP.min(self.duration() / 2), ..load.clone() }).await?;
        self.run_load(app, load).await
    }

    async fn run_load(&self, app: &[&Service], load: Load) -> Result<Measurement> {
        self.measure(app, async || {
            let start = Instant::now();
            let latencies = blocking(move || load.run()).await?;
            Ok((latencies, start.elapsed()))
        })
        .await
    }

    /// Runs pgbench twice.
    pub async fn pgbench_twice(&self, pgbench: &Pgbench) -> Result<[Measurement; 2]> {
        Ok([self.pgbench(pgbench).await?, self.pgbench(pgbench).await?])
    }

    pub async fn pgbench(&self, pgbench: &Pgbench) -> Result<Measurement> {
        self.measure(&[], async || pgbench.run(&self.server, &self.database_url).await).await
    }

    /// Measures what the services and PostgreSQL use while something runs. The last service is the backend.
    pub async fn measure(
        &self,
        app: &[&Service],
        run: impl AsyncFnOnce() -> Result<(Latencies, Duration)>,
    ) -> Result<Measurement> {
        let postgres = self.server.pid().context("PostgreSQL has ended")?;
        let times = || -> Result<(Vec<Duration>, Duration, processes::OwnTime)> {
            let app: Result<_> = app.iter().map(|service| service.cpu_time()).collect();
            Ok((app?, processes::cpu_time(&[postgres])?, processes::own_time()?))
        };
        let statements = self.statements().await?;
        let before = times()?;
        let (latencies, elapsed) = run().await?;
        let after = times()?;
        let statements = self.statements().await?.zip(statements).map(|(after, before)| after.saturating_sub(before));
        let memory = app.last().map(|service| Memory::of(service.pid())).transpose()?;
        Ok(Measurement {
            latencies,
            elapsed,
            app: after.0.iter().zip(&before.0).map(|(after, before)| after.saturating_sub(*before)).collect(),
            postgres: after.1.saturating_sub(before.1),
            // pgbench is a child that has ended.
            load: (after.2.own + after.2.ended_children).saturating_sub(before.2.own + before.2.ended_children),
            statements,
            memory,
        })
    }

    /// The number of statements that PostgreSQL has run, if it counts them.
    async fn statements(&self) -> Result<Option<u64>> {
        let has_view: bool =
            sqlx::query_scalar("select to_regclass('pg_stat_statements') is not null").fetch_one(&self.pool).await?;
        if !has_view {
            return Ok(None);
        }
        // Only those of clients count, not those inside of functions.
        let calls: i64 = sqlx::query_scalar("select coalesce(sum(calls), 0)::bigint from pg_stat_statements")
            .fetch_one(&self.pool)
            .await?;
        Ok(Some(calls.unsigned_abs()))
    }
}

/// A program that answers requests.
#[derive(Debug)]
pub struct Service {
    pub running: Running,
    pub address: SocketAddr,
}

impl Service {
    fn new(running: Running) -> Result<Self> {
        let address = running.url.trim_start_matches("http://").parse()?;
        Ok(Self { running, address })
    }

    fn pid(&self) -> u32 {
        self.running.program.pid()
    }

    pub fn cpu_time(&self) -> Result<Duration> {
        processes::cpu_time(&[self.pid()])
    }

    /// Sends one request.
    pub fn send(&self, request: &Request) -> Result<Response> {
        Connection::open(self.address)?.send(request)?.check()
    }

    pub async fn stop(self) {
        self.running.program.stop().await;
    }
}

/// Runs what blocks its thread.
pub async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(run).await?
}

/// Compiles the backend.
pub async fn build(workspace: &Workspace, profile: &str) -> Result<PathBuf> {
    note(&format!("compiling the backend with the profile `{profile}`, which may take ten minutes"));
    let mut cargo = stack::cargo(workspace);
    // With the features of the whole workspace, as in every other build.
    cargo.args(["build", "--workspace", "--bin", "todo-backend", "--profile", profile]);
    Program::run(cargo).await.context("the backend does not compile")?;
    let directory = if profile == "dev" { "debug" } else { profile };
    Ok(stack::target_directory(workspace).await?.join(directory).join("todo-backend"))
}

/// Starts a PostgreSQL that counts statements, if it has the extension for it, and makes a database.
async fn start_postgres() -> Result<(Server, PgPool, String)> {
    // The defaults, but for the connections that 64 writers and two replicas need.
    let mut server = Server::temporary(&["max_connections=200"]).await?;
    let url = server.create_database("todo_bench").await?;
    let connect = || PgPool::connect(&url);
    let pool = connect().await?;
    let counts: bool =
        sqlx::query_scalar("select exists (select from pg_available_extensions where name = 'pg_stat_statements')")
            .fetch_one(&pool)
            .await?;
    if !counts {
        return Ok((server, pool, url));
    }
    sqlx::raw_sql("alter system set shared_preload_libraries = 'pg_stat_statements'").execute(&pool).await?;
    pool.close().await;
    server.stop().await?;
    server.start().await?;
    let pool = connect().await?;
    sqlx::raw_sql("create extension pg_stat_statements").execute(&pool).await?;
    Ok((server, pool, url))
}
