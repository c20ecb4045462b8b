//! Browser sessions: credentials of the kind `session`.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::Error,
    secrets::{self, HashKey},
};

/// How long a session lasts.
pub const LIFETIME: Duration = Duration::days(30);

#[derive(Serialize, ToSchema)]
pub struct SessionInfo {
    id: Uuid,
    /// What the browser calls itself.
    user_agent: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_used_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Whether this request was made with it.
    current: bool,
}

/// Starts a session and gives its secret. Sessions that were not used for longest end, so that the user has no more than
/// `max_sessions`. The caller holds the lock of the user's row, so that two sign-ins cannot exceed it together.
pub async fn start(
    connection: &mut PgConnection,
    hash_key: &HashKey,
    user_id: Uuid,
    user_agent: Option<&str>,
    max_sessions: u32,
) -> Result<SecretString, Error> {
    sqlx::query!(
        "delete from credentials where id in
             (select id from credentials where user_id = $1 and kind = 'session'
              order by coalesce(last_used_at, created_at) desc, id desc offset $2)",
        user_id,
        i64::from(max_sessions) - 1
    )
    .execute(&mut *connection)
    .await?;
    let secret = secrets::generate();
    sqlx::query!(
        "insert into credentials (id, user_id, kind, token_hash, user_agent, last_used_at, expires_at)
         values ($1, $2, 'session', $3, left($4, 300), now(), now() + make_interval(secs => $5))",
        Uuid::now_v7(),
        user_id,
        hash_key.hash(secret.expose_secret()),
        user_agent,
        LIFETIME.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(secret)
}

/// The valid sessions of a user, newest first.
pub async fn list(pool: &PgPool, user_id: Uuid, current_id: Uuid) -> Result<Vec<SessionInfo>, Error> {
    let sessions = sqlx::query_as!(
        SessionInfo,
        r#"select id, user_agent, created_at, coalesce(last_used_at, created_at) as "last_used_at!",
             expires_at as "expires_at!", id = $2 as "current!"
           from credentials where user_id = $1 and kind = 'session' and expires_at > now()
           order by created_at desc, id desc"#,
        user_id,
        current_id
    )
    .fetch_all(pool)
    .await?;
    Ok(sessions)
}

pub async fn end(pool: &PgPool, user_id: Uuid, id: Uuid) -> Result<(), Error> {
    let ended =
        sqlx::query!("delete from credentials where user_id = $1 and id = $2 and kind = 'session'", user_id, id)
            .execute(pool)
            .await?;
    if ended.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}

/// Ends every session of the user but this one.
pub async fn end_others(executor: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from credentials where user_id = $1 and id <> $2 and kind = 'session'", user_id, id)
        .execute(executor)
        .await?;
    Ok(())
}
