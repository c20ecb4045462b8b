//! Who a secret belongs to.

use sqlx::PgPool;
use uuid::Uuid;

/// Any valid credential: a session or an API token.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub user_id: Uuid,
    /// The credential that was used.
    pub credential_id: Uuid,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Kind {
    Session,
    Token,
}

/// Removes credentials that have expired, at most `limit`, and gives their number.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "with expired as
             (select id from credentials where expires_at < now() limit $1 for update skip locked)
         delete from credentials using expired where credentials.id = expired.id",
        limit
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
