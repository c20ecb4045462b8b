//! Removes what has expired. Every feature has a statement for its own rows. Many replicas may run them at once: a
//! statement takes only rows that no other has locked.

use std::time::Duration;

use sqlx::PgPool;

use crate::{
    accounts, chat,
    db::{Database, idempotency},
    events, tasks,
};

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_mins(5);

/// Most rows that one statement removes of a table, so that it holds their locks for a short time and stays far below the
/// time limit of a statement, however many have expired.
const BATCH_ROWS: i64 = 1000;

/// Runs for as long as the service does.
pub async fn run(database: Database) {
    loop {
        match database.while_available(remove_expired(&database.pool())).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "removed expired rows"),
            Err(error) => tracing::warn!(%error, "clean-up failed; the next round tries again"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Removes what has expired now, and gives the number of removed rows.
pub async fn remove_expired(pool: &PgPool) -> sqlx::Result<u64> {
    let mut removed = 0;
    loop {
        // One after the other, so that none waits for all the rows of another.
        let batch = accounts::remove_expired(pool, BATCH_ROWS).await?
            + idempotency::remove_expired(pool, BATCH_ROWS).await?
            + tasks::remove_expired(pool, BATCH_ROWS).await?
            + events::remove_expired(pool, BATCH_ROWS).await?
            + chat::remove_expired(pool, BATCH_ROWS).await?;
        if batch == 0 {
            return Ok(removed);
        }
        removed += batch;
    }
}
