//! A real PostgreSQL server that needs no set-up: an installed one, else one that is downloaded once.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use todo::postgres::Server;
//!
//! let mut server = Server::throwaway().await?;
//! let url = server.create_database("todo").await?;
//! server.crash().await?; // connections break, `url` refuses new ones
//! server.start().await?; // the same port, so `url` works again
//! # Ok(())
//! # }
//! ```
//!
//! It listens on a free port of 127.0.0.1, asks for a password, and ends when the [`Server`] is dropped. A process
//! that is killed with SIGKILL leaves its server running; [`Server::keeping`] ends such a left-over.

mod account;
mod binaries;
mod files;

use std::{
    fs::File,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{Postgres, migrate::MigrateDatabase};
use tempfile::TempDir;

use self::{account::Account, binaries::Binaries, files::Files};

const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// Settings for data that may be lost: faster, and with connections for the pools of many tests.
const THROWAWAY: &[&str] =
    &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB"];

/// A server of our own. Dropping it stops it, and waits until it has.
#[derive(Debug)]
pub struct Server {
    binaries: Binaries,
    account: Account,
    files: Files,
    password: String,
    port: u16,
    process: Option<Child>,
    /// Settings as `NAME=VALUE`, in addition to those of every server.
    settings: Vec<String>,
    temporary: Option<TempDir>,
}

impl Server {
    /// A running server whose data lives as long as this value, and need not survive a crash.
    pub async fn throwaway() -> Result<Self> {
        Self::temporary(THROWAWAY).await
    }

    /// A running server with PostgreSQL's defaults but for these settings, whose data lives as long as this value.
    pub async fn temporary(settings: &[&str]) -> Result<Self> {
        let account = Account::for_server()?;
        let temporary = tempfile::Builder::new().prefix("todo-postgres-").tempdir_in(account.temporary_base())?;
        account.chown(temporary.path())?;
        Self::open(Files::at(temporary.path().join("data")), account, settings, Some(temporary)).await
    }

    /// A running server whose data is kept in `data_dir` from run to run. Only one may have a directory at a time:
    /// a server that an earlier, killed process left there is stopped.
    pub async fn keeping(data_dir: PathBuf) -> Result<Self> {
        let account = Account::for_server()?;
        let files = Files::at(account.create_data_dir(&data_dir)?.join("data"));
        files.stop_orphan(STOP_LIMIT).await?;
        let data = files.data().to_owned();
        Self::open(files, account, &[], None).await.with_context(|| {
            format!("PostgreSQL does not start on the data in {0}. To start empty, delete {0}", data.display())
        })
    }

    async fn open(files: Files, account: Account, settings: &[&str], temporary: Option<TempDir>) -> Result<Self> {
        let binaries = Binaries::find(files.major()?, account).await?;
        let password = files.initialize(&binaries, account, temporary.is_some())?;
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { binaries, account, files, password, port: 0, process: None, settings, temporary };
        server.start().await?;
        Ok(server)
    }

    /// Starts the stopped or crashed server again, on the port it had.
    pub async fn start(&mut self) -> Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let first_start = self.port == 0;
        for attempts_left in (0..3).rev() {
            if first_start {
                self.port = free_port()?;
            }
            match self.try_start().await {
                // Another program took the free port before the server could.
                Err(_) if first_start && attempts_left > 0 && self.files.log().contains("Address already in use") => {}
                outcome => return outcome,
            }
        }
        Ok(())
    }

    async fn try_start(&mut self) -> Result<()> {
        let log = File::create(self.files.log_path())?;
        let mut command = self.account_command("postgres");
        command.arg("-D").arg(self.files.data());
        let port = format!("port={}", self.port);
        for setting in [&port, "listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off"]
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A Ctrl-C in the terminal must not stop the database before the programs that use it.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("cannot run {}", self.binaries.dir.display()))?;
        let pid = child.id();
        let child = self.process.insert(child);

        let limit = Instant::now() + START_LIMIT;
        while !self.files.is_ready(pid) {
            if let Some(status) = child.try_wait()? {
                self.process = None;
                bail!("PostgreSQL stopped while starting ({status}):\n{}", self.files.log());
            }
            if Instant::now() > limit {
                bail!("PostgreSQL was not ready after {START_LIMIT:?}:\n{}", self.files.log());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Stops the server in order: connections end, everything is on disk. The data stays.
    pub async fn stop(&mut self) -> Result<()> {
        self.end(Signal::SIGINT).await
    }

    /// Stops the server as a crash does: at once, without writing anything; the next start recovers.
    pub async fn crash(&mut self) -> Result<()> {
        self.end(Signal::SIGQUIT).await
    }

    async fn end(&mut self, signal: Signal) -> Result<()> {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        send(&child, signal)?;
        let limit = Instant::now() + STOP_LIMIT;
        while child.try_wait()?.is_none() {
            if Instant::now() > limit {
                child.kill()?;
                bail!("PostgreSQL did not stop within {STOP_LIMIT:?}:\n{}", self.files.log());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Whether the server process is there. It may have ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// The id of the server process, the parent of all others, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// A client program of the same installation, such as `pgbench`, under the account of the server.
    #[must_use]
    pub fn client(&self, program: &str) -> Command {
        // The directory may have links to the server's programs only.
        let server = self.binaries.dir.join("postgres").canonicalize();
        let dir = server.ok().and_then(|server| Some(server.parent()?.to_owned()));
        let binaries = dir.map_or_else(|| self.binaries.clone(), |dir| Binaries { dir, ..self.binaries });
        files::command(&binaries, self.account, program)
    }

    /// The URL of a database, for a superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Makes the database unless it exists, and returns its URL.
    pub async fn create_database(&self, database: &str) -> Result<String> {
        let url = self.url(database);
        if !Postgres::database_exists(&url).await? {
            Postgres::create_database(&url).await?;
        }
        Ok(url)
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.files.data()
    }

    /// The server's log since its last start.
    #[must_use]
    pub fn log(&self) -> String {
        self.files.log()
    }

    fn account_command(&self, program: &str) -> Command {
        files::command(&self.binaries, self.account, program)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.process.take() else { return };
        let signal = if self.temporary.is_some() { Signal::SIGQUIT } else { Signal::SIGINT };
        if send(&child, signal).is_err() {
            return;
        }
        let limit = Instant::now() + STOP_LIMIT;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > limit {
                drop(child.kill());
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

fn send(child: &Child, signal: Signal) -> Result<()> {
    kill(Pid::from_raw(child.id().try_into()?), signal).context("cannot signal PostgreSQL")
}

/// A port of 127.0.0.1 that nobody listens on right now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
