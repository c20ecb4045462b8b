//! Doing a piece of work once, however often its request is repeated.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("This Idempotency-Key was already used for a different request.")]
    KeyReused,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A result that cannot be stored as JSON, or a stored one that cannot be read.
    #[error(transparent)]
    Result(#[from] serde_json::Error),
}

/// Does `work` in a transaction together with the record of its result, or returns the recorded result of the first
/// time. Without a key, `work` is always done. Records are kept for 24 hours.
///
/// `operation` and `request` are what makes two requests the same. A retry that comes while the first attempt still
/// runs waits for it.
pub async fn once<T, E>(
    pool: &PgPool,
    user_id: Uuid,
    key: Option<String>,
    operation: &str,
    request: &[u8],
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<Error>,
{
    let mut transaction = pool.begin().await.map_err(Error::from)?;
    let Some(key) = key else {
        let result = work(&mut transaction).await?;
        transaction.commit().await.map_err(Error::from)?;
        return Ok(result);
    };
    let fingerprint = Sha256::new().chain_update(operation).chain_update([0]).chain_update(request).finalize().to_vec();
    if let Some(first) = claim(&mut transaction, user_id, &key, &fingerprint).await? {
        return Ok(serde_json::from_value(first).map_err(Error::from)?);
    }
    let result = work(&mut transaction).await?;
    let stored = serde_json::to_value(&result).map_err(Error::from)?;
    store(&mut transaction, user_id, &key, stored).await.map_err(Error::from)?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(result)
}

/// Reserves the key for this transaction, or gives the result that was stored under it.
async fn claim(
    connection: &mut PgConnection,
    user_id: Uuid,
    key: &str,
    fingerprint: &[u8],
) -> Result<Option<serde_json::Value>, Error> {
    let claimed = sqlx::query!(
        "insert into idempotency_keys (user_id, key, fingerprint) values ($1, $2, $3)
         on conflict (user_id, key) do update set fingerprint = $3, response = null, created_at = now()
         where idempotency_keys.created_at < now() - interval '24 hours'",
        user_id,
        key,
        fingerprint
    )
    .execute(&mut *connection)
    .await?;
    if claimed.rows_affected() > 0 {
        return Ok(None);
    }
    let first = sqlx::query!(
        "select fingerprint, response from idempotency_keys where user_id = $1 and key = $2",
        user_id,
        key
    )
    .fetch_one(connection)
    .await?;
    if first.fingerprint == fingerprint { Ok(Some(first.response.unwrap_or_default())) } else { Err(Error::KeyReused) }
}

async fn store(
    connection: &mut PgConnection,
    user_id: Uuid,
    key: &str,
    result: serde_json::Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update idempotency_keys set response = $3 where user_id = $1 and key = $2", user_id, key, result)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes records that are older than 24 hours, and gives their number.
pub async fn remove_expired(pool: &PgPool) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from idempotency_keys where (user_id, key) in
             (select user_id, key from idempotency_keys where created_at < now() - interval '24 hours'
              for update skip locked)"
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
