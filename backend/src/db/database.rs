//! The connection pool, and the watch over whether the database answers.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use secrecy::SecretString;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, watch},
    time::timeout,
};

use super::{
    error::is_lost_connection,
    migrations::{MIGRATOR, connect_options},
};

/// How long a request may wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A statement may take this much longer than a request: one that a request waits for ends with the request, because
/// its connection is closed.
const STATEMENT_GRACE_PERIOD: Duration = Duration::from_secs(1);
/// How long a transaction may do nothing. One that the network cut off would keep its row locks until the server
/// notices, which takes hours.
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the server looks, during a statement, whether its connection was closed.
const DISCONNECT_CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// How long a connection may take to become ready when it leaves the pool or comes back.
const READY_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was used this long ago need not prove that it is ready before a read: under load, that would cost a
/// round trip for each request.
const MAX_UNCHECKED_IDLE_TIME: Duration = Duration::from_millis(100);
/// How long the database may take to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);
/// Time between two probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// The reason before the first probe.
const NOT_PROBED: &str = "the database was not asked yet";
/// PostgreSQL's code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// A connection of the pool, lent to one piece of work.
pub type PooledConnection = OwnedMutexGuard<PoolConnection<Postgres>>;

tokio::task_local! {
    /// Present while a query may meet a connection that does not answer: [`Database::read`] repeats it.
    static IS_REPEATABLE: ();
    /// Present while a connection returns to the pool whose work has come to its end.
    static IS_READY: ();
}

/// Why a probe failed.
struct Failure {
    reason: &'static str,
    /// Whether a second probe would say the same. Otherwise the database may only be slow, or may have closed this one
    /// connection.
    is_certain: bool,
}

/// The database as the service sees it. A clone refers to the same connections.
#[derive(Clone)]
pub struct Database {
    pool: watch::Sender<PgPool>,
    /// A connection that only probes use, so that a busy pool does not look like an outage. It is not a pool, since a
    /// pool would retry a refused connection instead of reporting it.
    probe: Arc<Mutex<Option<PgConnection>>>,
    options: Arc<PgConnectOptions>,
    /// Why the database is unavailable; `None` while it answers.
    unavailable: watch::Sender<Option<&'static str>>,
}

impl Database {
    /// Connects when first used: a service that starts before its database is unready, not dead.
    ///
    /// `settings` are those of each connection that features need. The error is that of a URL that cannot be read.
    pub fn new(
        url: &SecretString,
        max_connections: u32,
        request_timeout: Duration,
        settings: &[(&'static str, String)],
    ) -> Result<Self, sqlx::Error> {
        let options = connect_options(url)?.options(limits(request_timeout)).options(settings.iter().cloned());
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // `before_acquire` does this with a time limit.
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                let is_repeatable = IS_REPEATABLE.try_with(|()| ()).is_ok();
                let is_trusted = is_repeatable && metadata.idle_for < MAX_UNCHECKED_IDLE_TIME;
                Box::pin(async move { Ok(is_trusted || becomes_ready(connection).await) })
            })
            .after_release(|connection, _| {
                let is_ready = IS_READY.try_with(|()| ()).is_ok();
                Box::pin(async move { Ok(is_ready || becomes_ready(connection).await) })
            })
            .connect_lazy_with(options.clone());
        Ok(Self { unavailable: watch::Sender::new(Some(NOT_PROBED)), ..Self::from_pool(pool, options) })
    }

    /// Uses a pool that exists; tests have one from `#[sqlx::test]`. It counts as available until a probe fails.
    pub fn from_pool(pool: PgPool, options: PgConnectOptions) -> Self {
        let pool = watch::Sender::new(pool);
        Self { pool, options: Arc::new(options), probe: Arc::default(), unavailable: watch::Sender::new(None) }
    }

    /// The connections to use now. Do not keep them: they are replaced when probes fail.
    pub fn pool(&self) -> PgPool {
        self.pool.borrow().clone()
    }

    /// Runs a query that changes nothing, and repeats it once if its connection turns out to be lost: with an error, or
    /// because the connections are replaced meanwhile.
    pub async fn read<T, E, F>(&self, query: impl Fn(PooledConnection) -> F) -> Result<T, E>
    where
        E: std::error::Error + From<sqlx::Error> + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let mut pools = self.pool.subscribe();
        let pool = pools.borrow_and_update().clone();
        tokio::select! {
            biased;
            result = IS_REPEATABLE.scope((), on_connection(&pool, &query)) => match result {
                Err(error) if is_lost_connection(&error) => {}
                result => return result,
            },
            Ok(()) = pools.changed() => {}
        }
        on_connection(&self.pool(), query).await
    }

    /// Does `work` on one connection. If it succeeds, the connection is ready for the next without a round trip that
    /// proves it.
    pub async fn run<T, E, F>(&self, work: impl FnOnce(PooledConnection) -> F) -> Result<T, E>
    where
        E: From<sqlx::Error>,
        F: Future<Output = Result<T, E>>,
    {
        on_connection(&self.pool(), work).await
    }

    /// A connection of its own for notifications. It is not one of the pool, because a listener that ends waits for the
    /// server's answer before it returns its connection, in an outage for ever.
    pub async fn listener(&self) -> sqlx::Result<PgListener> {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        PgListener::connect_with(&pool.acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy_with((*self.options).clone()))
            .await
    }

    /// Probes for as long as the service runs.
    pub async fn monitor(self) {
        loop {
            self.probe().await;
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Asks the database now, and remembers the result. One failure that may pass is no outage: a second probe follows
    /// at once.
    pub async fn probe(&self) {
        let mut answer = self.ask().await;
        if self.is_available()
            && let Err(failure) = &answer
        {
            let is_certain = failure.is_certain;
            self.replace_pool();
            if !is_certain {
                answer = self.ask().await;
            }
        }
        let reason = answer.err().map(|failure| failure.reason);
        // A change of the reason alone is not logged: a network that is breaking has several in a second.
        match (self.unavailable.send_replace(reason), reason) {
            (None | Some(NOT_PROBED), Some(reason)) => tracing::warn!(reason, "database away"),
            (Some(before), None) if before != NOT_PROBED => tracing::info!("database is back"),
            _ => {}
        }
    }

    async fn ask(&self) -> Result<(), Failure> {
        match timeout(PROBE_TIMEOUT, self.is_schema_current()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => {
                let reason = "the database schema is not up to date: run `todo-backend migrate`";
                Err(Failure { reason, is_certain: true })
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "database probe failed");
                let is_certain =
                    matches!(&error, sqlx::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused);
                Err(Failure { reason: "the database cannot be reached", is_certain })
            }
            Err(_) => Err(Failure { reason: "the database does not answer in time", is_certain: false }),
        }
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
        match timeout(limit, self.while_available(self.with_probe_connection(query))).await {
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
        self.unavailable_reason().is_none()
    }

    /// Why the database is unavailable, in a few words; `None` if the last probe was answered.
    pub fn unavailable_reason(&self) -> Option<&'static str> {
        *self.unavailable.borrow()
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

    /// What cut off the connection of the probes probably did the same to others. Neither limits of the server nor of
    /// TCP give those back to the pool: sqlx pings a connection that is returned without a time limit, after
    /// `after_release` too, and a proxy in between acknowledges what it does not deliver.
    fn replace_pool(&self) {
        // The old one is not closed, since that would refuse the requests that wait for a connection of it.
        self.pool.send_modify(|pool| *pool = pool.options().clone().connect_lazy_with((*self.options).clone()));
    }
}

async fn on_connection<T, E, F>(pool: &PgPool, work: impl FnOnce(PooledConnection) -> F) -> Result<T, E>
where
    E: From<sqlx::Error>,
    F: Future<Output = Result<T, E>>,
{
    let connection = Arc::new(Mutex::new(pool.acquire().await?));
    let result = work(Arc::clone(&connection).lock_owned().await).await;
    if result.is_ok()
        && let Some(connection) = Arc::into_inner(connection)
    {
        // What dropping it does too, but after a check.
        tokio::spawn(IS_READY.scope((), connection.into_inner().return_to_pool()));
    }
    result
}

/// Limits that the server keeps, as settings of a connection.
fn limits(request_timeout: Duration) -> [(&'static str, String); 4] {
    let limit = |name, duration: Duration| (name, format!("{}ms", duration.as_millis()));
    [
        limit("statement_timeout", request_timeout + STATEMENT_GRACE_PERIOD),
        // Shorter than the request, so that one that waits for a lock is refused with the reason in the log.
        limit("lock_timeout", request_timeout * 3 / 4),
        limit("idle_in_transaction_session_timeout", IDLE_TRANSACTION_TIMEOUT),
        limit("client_connection_check_interval", DISCONNECT_CHECK_INTERVAL),
    ]
}

/// Whether the connection answers soon. If not, the pool closes it. It may still run the statement of a request that was
/// given up, which ends when the server finds it closed, or be cut off by an outage.
async fn becomes_ready(connection: &mut PgConnection) -> bool {
    timeout(READY_TIMEOUT, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
}
