//! Who a secret belongs to.

use sqlx::PgPool;
use uuid::Uuid;

use super::secrets::HashKey;

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

/// The credential with this secret, if it is valid. Its `last_used_at` is written at most once a minute: that is exact
/// enough for people, and spares a write for each read.
pub async fn find(pool: &PgPool, hash_key: &HashKey, secret: &str) -> sqlx::Result<Option<Identity>> {
    sqlx::query_as!(
        Identity,
        r#"with touched as (
             update credentials set last_used_at = now()
             where token_hash = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')
           )
           select user_id, id as credential_id, kind as "kind: Kind" from credentials
           where token_hash = $1 and (expires_at is null or expires_at > now())"#,
        hash_key.hash(secret)
    )
    .fetch_optional(pool)
    .await
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
