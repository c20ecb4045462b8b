//! Doing a piece of work once, however often its request is repeated.

use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, PgPool, types::Json};
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("This Idempotency-Key was already used for a different request.")]
    KeyReused,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// An answer that JSON cannot express.
    #[error(transparent)]
    Answer(#[from] serde_json::Error),
}

/// One of the attempts at a piece of work that a client gave a key.
pub struct Attempt {
    key: String,
    /// Hash of what makes two requests the same.
    fingerprint: Vec<u8>,
}

impl Attempt {
    pub fn new(key: String, operation: &str, request: &[u8]) -> Self {
        let fingerprint = Sha256::new().chain_update(operation).chain_update([0]).chain_update(request).finalize();
        Self { key, fingerprint: fingerprint.to_vec() }
    }
}

/// Does `work`, which is one statement, in a transaction together with the record of its answer, or gives the recorded
/// answer of the first attempt. Without an attempt, there is no record and no transaction. Records are kept for 24 hours.
///
/// The answer is JSON that is never read again: the release that recorded it may have known other fields. A retry that
/// comes while the first attempt still runs waits for it.
pub async fn once<T, E>(
    connection: &mut PgConnection,
    user_id: Uuid,
    attempt: Option<Attempt>,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<Box<RawValue>, E>
where
    T: Serialize,
    E: From<Error>,
{
    let encode = |result: &T| serde_json::value::to_raw_value(result).map_err(Error::from);
    let Some(attempt) = attempt else {
        return Ok(encode(&work(connection).await?)?);
    };
    let mut transaction = connection.begin().await.map_err(Error::from)?;
    if let Some(first) = claim(&mut transaction, user_id, &attempt).await? {
        return Ok(first);
    }
    let answer = encode(&work(&mut transaction).await?)?;
    store(&mut transaction, user_id, &attempt, &answer).await.map_err(Error::from)?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(answer)
}

/// Reserves the key for this transaction, or gives the answer that was stored under it.
pub async fn claim(
    connection: &mut PgConnection,
    user_id: Uuid,
    attempt: &Attempt,
) -> Result<Option<Box<RawValue>>, Error> {
    let claimed = sqlx::query!(
        "insert into idempotency_keys (user_id, key, fingerprint) values ($1, $2, $3)
         on conflict (user_id, key) do update set fingerprint = $3, response = null, created_at = now()
         where idempotency_keys.created_at < now() - interval '24 hours'",
        user_id,
        attempt.key,
        attempt.fingerprint
    )
    .execute(&mut *connection)
    .await?;
    if claimed.rows_affected() > 0 {
        return Ok(None);
    }
    let first = sqlx::query!(
        r#"select fingerprint, response as "response!: Json<Box<RawValue>>" from idempotency_keys
           where user_id = $1 and key = $2"#,
        user_id,
        attempt.key
    )
    .fetch_one(connection)
    .await?;
    if first.fingerprint == attempt.fingerprint { Ok(Some(first.response.0)) } else { Err(Error::KeyReused) }
}

/// Stores the answer under a key that this transaction has claimed.
pub async fn store(
    connection: &mut PgConnection,
    user_id: Uuid,
    attempt: &Attempt,
    answer: &RawValue,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update idempotency_keys set response = $3 where user_id = $1 and key = $2",
        user_id,
        attempt.key,
        Json(answer) as Json<&RawValue>
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes records that are older than 24 hours, at most `limit`, and gives their number.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "with expired as
             (select user_id, key from idempotency_keys where created_at < now() - interval '24 hours'
              limit $1 for update skip locked)
         delete from idempotency_keys keys using expired
         where (keys.user_id, keys.key) = (expired.user_id, expired.key)",
        limit
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
