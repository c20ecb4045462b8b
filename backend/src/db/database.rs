//! The connection pool, and the watch over whether the database answers.

use std::{
    io::ErrorKind,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use secrecy::SecretString;
use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Mutex, watch};

use super::migrations::{MIGRATOR, connect_options};

/// How long a request may wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the database may take to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);
/// Time between two probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// PostgreSQL's code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// The database as the service sees it. A clone refers to the same connections.
#[derive(Clone)]
pub struct Database {
    pool: Arc<RwLock<PgPool>>,
    /// A connection that only probes use, so that a busy pool does not look like an outage. It is not a pool, since a
    /// pool would retry a refused connection instead of reporting it.
    probe: Arc<Mutex<Option<PgConnection>>>,
    options: PgConnectOptions,
    /// Why the database is unavailable; `None` while it answers.
    unavailable: watch::Sender<Option<&'static str>>,
}

impl Database {
    /// Connects when first used: a service that starts before its database is unready, not dead.
    ///
    /// The error is that of a URL that cannot be read.
    pub fn new(url: &SecretString, max_connections: u32) -> Result<Self, sqlx::Error> {
        // A transaction that the network cut off would keep its row locks until the server notices, which takes hours.
        let options = connect_options(url)?.options([("idle_in_transaction_session_timeout", "5s")]);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.clone());
        Ok(Self::from_pool(pool, options))
    }

    /// Uses a pool that exists; tests have one from `#[sqlx::test]`.
    pub fn from_pool(pool: PgPool, options: PgConnectOptions) -> Self {
        let pool = Arc::new(RwLock::new(pool));
        Self { pool, options, probe: Arc::default(), unavailable: watch::Sender::new(None) }
    }

    /// The connections to use now. Do not keep them: each outage gets a new pool.
    pub fn pool(&self) -> PgPool {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Probes for as long as the service runs.
    pub async fn monitor(self) {
        loop {
            // `probe` itself remembers the result.
            let _ = self.probe().await;
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Asks the database now, and remembers the result. The error is the reason in a few words.
    pub async fn probe(&self) -> Result<(), &'static str> {
        let reason = match tokio::time::timeout(PROBE_TIMEOUT, self.is_schema_current()).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("the database schema is not up to date: run `todo-backend migrate`"),
            Ok(Err(error)) => {
                tracing::debug!(%error, "database probe failed");
                Some("the database cannot be reached")
            }
            Err(_) => Some("the database does not answer in time"),
        };
        let before = self.unavailable.send_replace(reason);
        // A change of the reason alone is not logged: a network that is breaking has several in a second.
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

    /// Whether the schema has all our migrations, which a newer schema has too.
    async fn is_schema_current(&self) -> sqlx::Result<bool> {
        self.with_probe_connection(async |connection| {
            let applied = sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success");
            let applied: i64 = match applied.fetch_one(connection).await {
                Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == UNDEFINED_TABLE) => 0,
                result => result?,
            };
            Ok(MIGRATOR.iter().all(|migration| migration.version <= applied))
        })
        .await
    }

    /// Runs a small query on the probes' connection, because a busy pool must not hide what keeps it busy. `None` when
    /// the database is unavailable, refuses the query, or takes longer than `limit`.
    pub async fn query_on_probe<T>(
        &self,
        limit: Duration,
        query: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Option<T> {
        match tokio::time::timeout(limit, self.while_available(self.with_probe_connection(query))).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a question to the database failed");
                None
            }
            Err(_) => None,
        }
    }

    /// Keeps the connection only if the query succeeds: one that failed, or was cancelled, is in an unknown state.
    async fn with_probe_connection<T>(
        &self,
        query: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let mut probe = self.probe.lock().await;
        let mut connection = match probe.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let result = query(&mut connection).await?;
        *probe = Some(connection);
        Ok(result)
    }

    /// Whether the last probe was answered.
    pub fn is_available(&self) -> bool {
        self.unavailable.borrow().is_none()
    }

    /// Completes when the database is known to be unavailable: at once, or later.
    pub async fn until_unavailable(&self) {
        let mut unavailable = self.unavailable.subscribe();
        // An error would mean that the sender is gone, but `self` holds it.
        let _ = unavailable.wait_for(Option::is_some).await;
    }

    /// Completes when the database answers: at once, or later.
    pub async fn until_available(&self) {
        let mut unavailable = self.unavailable.subscribe();
        let _ = unavailable.wait_for(Option::is_none).await;
    }

    /// Cancels `work` when the database becomes unavailable.
    pub async fn while_available<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        tokio::select! {
            biased;
            () = self.until_unavailable() => Err(std::io::Error::from(ErrorKind::NotConnected).into()),
            result = work => result,
        }
    }

    /// Connections that were open when the outage began may stay silent for many minutes, and a pool waits for them
    /// when they are returned: the whole pool would stay in use after the outage.
    fn replace_pool(&self) {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        let new = pool.options().clone().connect_lazy_with(self.options.clone());
        let old = std::mem::replace(&mut *pool, new);
        tokio::spawn(async move { old.close().await });
    }
}
