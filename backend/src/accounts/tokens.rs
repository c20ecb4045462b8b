//! Named bearer tokens for programs.

use axum::{extract::State, http::StatusCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{identity::Session, token};
use crate::{
    http::{
        error::{Error, Problem, Result},
        extract::{Id, Json},
    },
    server::state::AppState,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// A token without its secret.
#[derive(Serialize, ToSchema)]
struct TokenInfo {
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

#[derive(Serialize, ToSchema)]
struct Tokens {
    tokens: Vec<TokenInfo>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i32>,
}

#[derive(Serialize, ToSchema)]
struct CreatedToken {
    #[serde(flatten)]
    info: TokenInfo,
    /// The secret. It is shown only now.
    token: String,
}

/// Your API tokens, newest first
#[utoipa::path(get, path = "/api/auth/tokens", operation_id = "list_tokens", tag = "auth", security(("session" = [])), responses((status = 200, body = Tokens)))]
async fn list(State(state): State<AppState>, session: Session) -> Result<Json<Tokens>> {
    let tokens = sqlx::query_as!(
        TokenInfo,
        r#"select id, coalesce(name, '') as "name!", created_at, last_used_at, expires_at from credentials
           where user_id = $1 and kind = 'token' and (expires_at is null or expires_at > now())
           order by created_at desc, id desc"#,
        session.user_id
    )
    .fetch_all(&state.pool())
    .await?;
    Ok(Json(Tokens { tokens }))
}

/// Make an API token
#[utoipa::path(post, path = "/api/auth/tokens", tag = "auth", security(("session" = [])), request_body = NewToken,
    responses((status = 201, body = CreatedToken)))]
async fn create(
    State(state): State<AppState>,
    session: Session,
    Json(form): Json<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>)> {
    let name = form.name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "must be 1 to 100 characters, without control characters"));
    }
    if form.expires_in_days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Err(Error::invalid("expires_in_days", "must be 1 to 3650"));
    }
    let secret = token::generate();
    let info = sqlx::query_as!(
        TokenInfo,
        r#"insert into credentials (id, user_id, kind, token_hash, name, expires_at)
           values ($1, $2, 'token', $3, $4, now() + make_interval(days => $5))
           returning id, coalesce(name, '') as "name!", created_at, last_used_at, expires_at"#,
        Uuid::now_v7(),
        session.user_id,
        state.tokens.hash(secret.expose_secret()),
        name,
        form.expires_in_days
    )
    .fetch_one(&state.pool())
    .await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { info, token: secret.expose_secret().to_owned() })))
}

/// Revoke an API token
#[utoipa::path(delete, path = "/api/auth/tokens/{id}", tag = "auth", security(("session" = [])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn revoke(State(state): State<AppState>, session: Session, Id(id): Id) -> Result<StatusCode> {
    let revoked =
        sqlx::query!("delete from credentials where user_id = $1 and id = $2 and kind = 'token'", session.user_id, id)
            .execute(&state.pool())
            .await?;
    if revoked.rows_affected() == 1 { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}
