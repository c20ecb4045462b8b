use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use super::Backend;

/// The database that `#[sqlx::test]` made, as a URL.
pub fn url(options: &PgConnectOptions) -> String {
    options.to_url_lossy().into()
}

/// Brings the schema of a database up to date with the program's own subcommand.
pub async fn migrate(url: &str) {
    let output = Backend::command("migrate", url).output().await.unwrap();
    assert!(output.status.success(), "migrate failed: {output:?}");
}
