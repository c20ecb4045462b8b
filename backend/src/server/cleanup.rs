//! Removes what has expired. Many replicas may do this at once: a statement takes only rows that no other has locked.

use std::time::Duration;

use sqlx::PgPool;

use crate::db::Database;

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_mins(5);

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
    let removed = [
        sqlx::query!(
            "delete from credentials where id in
             (select id from credentials where expires_at < now() for update skip locked)"
        )
        .execute(pool)
        .await?,
        sqlx::query!(
            "delete from attempts where key in
             (select key from attempts where resets_at < now() for update skip locked)"
        )
        .execute(pool)
        .await?,
        sqlx::query!(
            "delete from idempotency_keys where (user_id, key) in
             (select user_id, key from idempotency_keys where created_at < now() - interval '24 hours'
              for update skip locked)"
        )
        .execute(pool)
        .await?,
        sqlx::query!(
            "delete from tasks where id in
             (select id from tasks where deleted_at < now() - interval '24 hours' for update skip locked)"
        )
        .execute(pool)
        .await?,
        sqlx::query!(
            "delete from task_events where (user_id, seq) in
             (select user_id, seq from task_events where created_at < now() - interval '1 hour'
              for update skip locked)"
        )
        .execute(pool)
        .await?,
        sqlx::query!(
            "delete from conversation_events where (conversation_id, seq) in
             (select conversation_id, seq from conversation_events where created_at < now() - interval '24 hours'
              for update skip locked)"
        )
        .execute(pool)
        .await?,
    ];
    Ok(removed.iter().map(sqlx::postgres::PgQueryResult::rows_affected).sum())
}
