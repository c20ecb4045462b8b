use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use super::Backend;

/// The URL of the database that `#[sqlx::test]` has created.
pub fn url(options: &PgConnectOptions) -> String {
    options.to_url_lossy().into()
}

/// Runs the `migrate` subcommand on a database.
pub async fn migrate(url: &str) {
    let output = Backend::command("migrate", url).output().await.unwrap();
    assert!(output.status.success(), "migrate failed: {output:?}");
}
