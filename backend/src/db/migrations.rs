//! The schema's migrations, which are compiled in.

use std::{str::FromStr, sync::LazyLock, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// How long `migrate` waits for a database that may be starting as well.
const MIGRATE_ACQUIRE_TIMEOUT: Duration = Duration::from_mins(1);
/// A statement that takes longer is logged: the log line of its request says only how long all of it took.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// Accepts a schema that a newer release made, so that going back to this one needs no change of it.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});

/// Brings the schema up to date. Any number of replicas may do this at once.
pub async fn migrate(url: &SecretString) -> anyhow::Result<()> {
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(MIGRATE_ACQUIRE_TIMEOUT);
    let pool = options.connect_with(connect_options(url)?).await?;
    MIGRATOR.run(&pool).await?;
    tracing::info!("the schema is up to date");
    Ok(())
}

/// How every connection is made.
pub fn connect_options(url: &SecretString) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?.application_name("todo-backend");
    Ok(options
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, SLOW_STATEMENT))
}
