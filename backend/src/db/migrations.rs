//! The schema's migrations, which are compiled in.

use std::{str::FromStr, sync::LazyLock, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions,
    migrate::{MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::error::is_outage;

/// How long `migrate` waits for a database that may be starting as well.
const MIGRATE_TIMEOUT: Duration = Duration::from_mins(1);
const MIGRATE_RETRY_DELAY: Duration = Duration::from_millis(500);
/// A statement that takes longer is logged: the log line of its request says only how long all of it took.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// Accepts a schema that a newer release made, so that going back to this one needs no change of it.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});

/// Brings the schema up to date. Any number of replicas may do this at once. A database that cannot be reached, or is
/// lost meanwhile, gets time to come back: in a cluster that starts, not even its name may be known yet.
pub async fn migrate(url: &SecretString) -> anyhow::Result<()> {
    let options = connect_options(url)?;
    let deadline = Instant::now() + MIGRATE_TIMEOUT;
    while let Err(error) = try_migrate(&options, deadline).await {
        let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = &error else {
            return Err(error.into());
        };
        if !is_outage(cause) || Instant::now() + MIGRATE_RETRY_DELAY >= deadline {
            return Err(error.into());
        }
        tracing::info!(error = %cause, "waiting for the database");
        sleep(MIGRATE_RETRY_DELAY).await;
    }
    tracing::info!("the schema is up to date");
    Ok(())
}

/// `deadline` is that of connecting: a migration of many rows takes as long as it has to.
async fn try_migrate(options: &PgConnectOptions, deadline: Instant) -> Result<(), MigrateError> {
    let connecting = timeout_at(deadline, options.connect()).await;
    let mut connection = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
    MIGRATOR.run(&mut connection).await
}

/// How every connection is made.
pub fn connect_options(url: &SecretString) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?.application_name("todo-backend");
    Ok(options
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, SLOW_STATEMENT))
}
