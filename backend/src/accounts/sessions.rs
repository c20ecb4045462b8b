//! Browser sessions.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use axum_extra::extract::cookie::{Cookie, SameSite};
use secrecy::ExposeSecret;
use serde::Serialize;
use sqlx::{PgExecutor, PgPool};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    identity::{COOKIE, Session},
    token,
};
use crate::{
    http::{
        error::{Error, Problem, Result},
        extract::{Id, Json},
    },
    server::state::AppState,
};

/// How long a session lasts.
const LIFETIME: Duration = Duration::days(30);

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, end_all_others)).routes(routes!(end_one))
}

#[derive(Serialize, ToSchema)]
struct SessionInfo {
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

#[derive(Serialize, ToSchema)]
struct Sessions {
    sessions: Vec<SessionInfo>,
}

/// Starts a session and gives its cookie.
pub async fn start(state: &AppState, user_id: Uuid, headers: &HeaderMap) -> Result<Cookie<'static>> {
    let secret = token::generate();
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    sqlx::query!(
        "insert into credentials (id, user_id, kind, token_hash, user_agent, last_used_at, expires_at)
         values ($1, $2, 'session', $3, left($4, 300), now(), now() + make_interval(secs => $5))",
        Uuid::now_v7(),
        user_id,
        state.tokens.hash(secret.expose_secret()),
        user_agent,
        LIFETIME.as_seconds_f64()
    )
    .execute(&state.pool())
    .await?;
    Ok(cookie(state, secret.expose_secret().to_owned(), LIFETIME))
}

/// The cookie that takes the session's cookie away.
pub fn removal(state: &AppState) -> Cookie<'static> {
    cookie(state, String::new(), Duration::ZERO)
}

fn cookie(state: &AppState, value: String, max_age: Duration) -> Cookie<'static> {
    Cookie::build((COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.config.cookie_secure)
        .max_age(max_age)
        .build()
}

/// Ends one session of a user; gives whether there was one.
pub async fn end(pool: &PgPool, user_id: Uuid, id: Uuid) -> Result<bool> {
    let ended =
        sqlx::query!("delete from credentials where user_id = $1 and id = $2 and kind = 'session'", user_id, id)
            .execute(pool)
            .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends every session of the user but this one.
pub async fn end_others(executor: impl PgExecutor<'_>, session: Session) -> Result<()> {
    sqlx::query!(
        "delete from credentials where user_id = $1 and id <> $2 and kind = 'session'",
        session.user_id,
        session.id
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Your sessions, newest first
#[utoipa::path(get, path = "/api/auth/sessions", operation_id = "list_sessions", tag = "auth", security(("session" = [])), responses((status = 200, body = Sessions)))]
async fn list(State(state): State<AppState>, session: Session) -> Result<Json<Sessions>> {
    let sessions = sqlx::query_as!(
        SessionInfo,
        r#"select id, user_agent, created_at, coalesce(last_used_at, created_at) as "last_used_at!",
             expires_at as "expires_at!", id = $2 as "current!"
           from credentials where user_id = $1 and kind = 'session' and expires_at > now()
           order by created_at desc, id desc"#,
        session.user_id,
        session.id
    )
    .fetch_all(&state.pool())
    .await?;
    Ok(Json(Sessions { sessions }))
}

/// End every session but this one
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "auth", security(("session" = [])), responses((status = 204)))]
async fn end_all_others(State(state): State<AppState>, session: Session) -> Result<StatusCode> {
    end_others(&state.pool(), session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one session
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth", security(("session" = [])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn end_one(State(state): State<AppState>, session: Session, Id(id): Id) -> Result<StatusCode> {
    if end(&state.pool(), session.user_id, id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}
