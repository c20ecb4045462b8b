//! API tokens: credentials of the kind `token`, which a user gives to programs.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::Error,
    secrets::{self, HashKey},
};
use crate::validation::FieldError;

/// Longest name of a token, in characters.
pub const MAX_NAME_CHARACTERS: usize = 100;
/// Longest life of a token that has an end.
const MAX_LIFETIME_DAYS: i32 = 3650;

/// A token without its secret.
#[derive(Serialize, ToSchema)]
pub struct TokenInfo {
    id: Uuid,
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    /// `null`: never.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// The valid tokens of a user, newest first.
pub async fn list(pool: &PgPool, user_id: Uuid) -> Result<Vec<TokenInfo>, Error> {
    let tokens = sqlx::query_as!(
        TokenInfo,
        r#"select id, coalesce(name, '') as "name!", created_at, last_used_at, expires_at from credentials
           where user_id = $1 and kind = 'token' and (expires_at is null or expires_at > now())
           order by created_at desc, id desc"#,
        user_id
    )
    .fetch_all(pool)
    .await?;
    Ok(tokens)
}

/// Makes a token and gives its secret as well. Without `expires_in_days` it stays valid until it is revoked. A user has at
/// most `max_tokens` that are valid.
pub async fn create(
    pool: &PgPool,
    hash_key: &HashKey,
    user_id: Uuid,
    name: &str,
    expires_in_days: Option<i32>,
    max_tokens: u32,
) -> Result<(TokenInfo, SecretString), Error> {
    let name = name.trim();
    if !(1..=MAX_NAME_CHARACTERS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(FieldError::new("name", "must be 1 to 100 characters, without control characters").into());
    }
    if expires_in_days.is_some_and(|days| !(1..=MAX_LIFETIME_DAYS).contains(&days)) {
        return Err(FieldError::new("expires_in_days", "must be 1 to 3650").into());
    }
    let mut transaction = pool.begin().await?;
    // Two requests cannot exceed the limit together, because each counts while it holds the user's lock.
    sqlx::query!("select from users where id = $1 for no key update", user_id).fetch_one(&mut *transaction).await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from credentials
           where user_id = $1 and kind = 'token' and (expires_at is null or expires_at > now())"#,
        user_id
    )
    .fetch_one(&mut *transaction)
    .await?;
    if count >= i64::from(max_tokens) {
        let rule = format!("is reached: a user can have at most {max_tokens} API tokens. Revoke one first");
        return Err(Error::QuotaReached(FieldError::new("max_tokens_per_user", rule)));
    }
    let secret = secrets::generate();
    let info = sqlx::query_as!(
        TokenInfo,
        r#"insert into credentials (id, user_id, kind, token_hash, name, expires_at)
           values ($1, $2, 'token', $3, $4, now() + make_interval(days => $5))
           returning id, coalesce(name, '') as "name!", created_at, last_used_at, expires_at"#,
        Uuid::now_v7(),
        user_id,
        hash_key.hash(secret.expose_secret()),
        name,
        expires_in_days
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok((info, secret))
}

pub async fn revoke(pool: &PgPool, user_id: Uuid, id: Uuid) -> Result<(), Error> {
    let revoked =
        sqlx::query!("delete from credentials where user_id = $1 and id = $2 and kind = 'token'", user_id, id)
            .execute(pool)
            .await?;
    if revoked.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}
