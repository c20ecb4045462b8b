//! The connection pool, the migrations, and the watch over whether the database answers.

use std::{
    io::ErrorKind,
    str::FromStr,
    sync::{Arc, LazyLock, PoisonError, RwLock},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Mutex, watch};

use crate::server::config::Config;

/// Accepts a schema that a newer release made, so that going back to this one needs no change of it.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});

/// How long a request may wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// PostgreSQL's code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";
/// How long the database may take to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// The database as the service sees it.
#[derive(Clone)]
pub struct Database {
    pool: Arc<RwLock<PgPool>>,
    /// A connection that only probes use, so that a busy pool does not look like an outage. Not a pool: a pool would
    /// retry a refused connection instead of reporting it.
    probe: Arc<Mutex<Option<PgConnection>>>,
    options: PgConnectOptions,
    /// Why the database is away; `None` while it answers.
    away: watch::Sender<Option<&'static str>>,
}

impl Database {
    /// Connects when first used: a service that starts before its database is unready, not dead.
    pub fn new(config: &Config) -> Result<Self, sqlx::Error> {
        // A transaction that the network cut off would keep its row locks until the server misses us, in hours.
        let options = connect_options(&config.database_url)?.options([("idle_in_transaction_session_timeout", "5s")]);
        let pool = PgPoolOptions::new()
            .max_connections(config.database_max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.clone());
        Ok(Self::from_pool(pool, options))
    }

    /// Uses a pool that exists; tests have one from `#[sqlx::test]`.
    pub fn from_pool(pool: PgPool, options: PgConnectOptions) -> Self {
        let pool = Arc::new(RwLock::new(pool));
        Self { pool, options, probe: Arc::default(), away: watch::Sender::new(None) }
    }

    /// The connections to use now. Not to be kept: each outage gets a new pool.
    pub fn pool(&self) -> PgPool {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the database now, and remembers the answer. The error is the reason in a few words.
    pub async fn probe(&self) -> Result<(), &'static str> {
        let reason = match tokio::time::timeout(PROBE_TIMEOUT, self.ask()).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("the database schema is not up to date: run `todo-backend migrate`"),
            Ok(Err(error)) => {
                tracing::debug!(%error, "database probe failed");
                Some("the database cannot be reached")
            }
            Err(_) => Some("the database does not answer in time"),
        };
        let before = self.away.send_replace(reason);
        // Not for each reason: a network that is breaking has several in a second.
        match (before, reason) {
            (None, Some(reason)) => {
                tracing::warn!(reason, "database away");
                self.replace_pool();
            }
            (Some(_), None) => tracing::info!("database is back"),
            _ => {}
        }
        reason.map_or(Ok(()), Err)
    }

    /// Whether the schema has all our migrations; a newer one has them too. A connection whose probe fails, or is given
    /// up halfway, is not put back.
    async fn ask(&self) -> sqlx::Result<bool> {
        let mut probe = self.probe.lock().await;
        let mut connection = self.take(&mut probe).await?;
        let applied = sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success");
        let applied: i64 = match applied.fetch_one(&mut connection).await {
            Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == UNDEFINED_TABLE) => 0,
            result => result?,
        };
        *probe = Some(connection);
        Ok(MIGRATOR.iter().all(|migration| migration.version <= applied))
    }

    /// Asks something small over the probes' connection: a busy pool must not hide what keeps it busy. Nothing when the
    /// database is away or does not answer in time.
    pub async fn ask_aside<T>(
        &self,
        limit: Duration,
        question: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Option<T> {
        let ask = async {
            let mut probe = self.probe.lock().await;
            let mut connection = self.take(&mut probe).await?;
            let answer = question(&mut connection).await?;
            *probe = Some(connection);
            Ok(answer)
        };
        match tokio::time::timeout(limit, self.while_there(ask)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a question to the database failed");
                None
            }
            Err(_) => None,
        }
    }

    /// Whether the last probe was answered.
    pub fn answers(&self) -> bool {
        self.away.borrow().is_none()
    }

    async fn take(&self, probe: &mut Option<PgConnection>) -> sqlx::Result<PgConnection> {
        match probe.take() {
            Some(connection) => Ok(connection),
            None => self.options.connect().await,
        }
    }

    /// Completes when the database is known to be away: at once, or later.
    pub async fn until_away(&self) {
        let mut away = self.away.subscribe();
        // An error would mean that the sender is gone, but `self` holds it.
        let _ = away.wait_for(Option::is_some).await;
    }

    /// Completes when the database answers: at once, or later.
    pub async fn until_back(&self) {
        let mut away = self.away.subscribe();
        let _ = away.wait_for(Option::is_none).await;
    }

    /// Probes for as long as the service runs.
    pub async fn watch(self) {
        loop {
            // The answer is remembered by `probe` itself.
            let _ = self.probe().await;
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Gives `work` up when the database goes away.
    pub async fn while_there<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        tokio::select! {
            biased;
            () = self.until_away() => Err(std::io::Error::from(ErrorKind::NotConnected).into()),
            result = work => result,
        }
    }

    /// Connections that were open when the database went away may stay silent for many minutes, and a pool waits for
    /// them when they are returned: the whole pool would stay in use after the outage.
    fn replace_pool(&self) {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        let new = pool.options().clone().connect_lazy_with(self.options.clone());
        let old = std::mem::replace(&mut *pool, new);
        tokio::spawn(async move { old.close().await });
    }
}

fn connect_options(url: &SecretString) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?.application_name("todo-backend");
    // The request log has the timing; a slow statement is worth a line of its own.
    Ok(options
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1)))
}

/// Brings the schema up to date. Waits up to a minute for the database, which may be starting as well.
pub async fn migrate(url: &SecretString) -> anyhow::Result<()> {
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_mins(1));
    let pool = options.connect_with(connect_options(url)?).await?;
    MIGRATOR.run(&pool).await?;
    tracing::info!("the schema is up to date");
    Ok(())
}
