//! `Idempotency-Key`: a retry gives the first result instead of doing the work again.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::http::error::{Error, Result};

/// The client's name for one attempt and its retries; kept for 24 hours.
pub struct IdempotencyKey(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default();
        if !(1..=255).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// Does `work` in a transaction together with the record of its result, or returns the result of the first time.
///
/// `operation` and `request` are what makes two requests the same. A retry that comes while the first attempt is still at work
/// waits for it.
pub async fn once<T: Serialize + DeserializeOwned>(
    pool: &PgPool,
    user_id: Uuid,
    key: IdempotencyKey,
    operation: &str,
    request: &[u8],
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    let mut transaction = pool.begin().await?;
    let Some(key) = key.0 else {
        let result = work(&mut transaction).await?;
        transaction.commit().await?;
        return Ok(result);
    };
    let fingerprint = Sha256::new().chain_update(operation).chain_update([0]).chain_update(request).finalize().to_vec();
    let claimed = sqlx::query!(
        "insert into idempotency_keys (user_id, key, fingerprint) values ($1, $2, $3)
         on conflict (user_id, key) do update set fingerprint = $3, response = null, created_at = now()
         where idempotency_keys.created_at < now() - interval '24 hours'",
        user_id,
        key,
        fingerprint
    )
    .execute(&mut *transaction)
    .await?;
    if claimed.rows_affected() == 0 {
        let first = sqlx::query!(
            "select fingerprint, response from idempotency_keys where user_id = $1 and key = $2",
            user_id,
            key
        )
        .fetch_one(&mut *transaction)
        .await?;
        if first.fingerprint != fingerprint {
            return Err(Error::IdempotencyKeyReused);
        }
        return Ok(serde_json::from_value(first.response.unwrap_or_default()).map_err(anyhow::Error::from)?);
    }
    let result = work(&mut transaction).await?;
    sqlx::query!(
        "update idempotency_keys set response = $3 where user_id = $1 and key = $2",
        user_id,
        key,
        serde_json::to_value(&result).map_err(anyhow::Error::from)?
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(result)
}
