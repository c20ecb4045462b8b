//! Named bearer tokens for programs.

use axum::{
    extract::{FromRef, State},
    http::StatusCode,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::Object};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    extract::Session,
    state::Accounts,
    tokens::{self, MAX_NAME_CHARACTERS, TokenInfo},
};
use crate::{
    http::{
        error::Result,
        extract::{Id, Json},
        problem::Problem,
    },
    validation::text::non_blank_line_schema,
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

#[derive(Serialize, ToSchema)]
struct Tokens {
    tokens: Vec<TokenInfo>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    #[schema(schema_with = name_schema)]
    name: String,
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i32>,
}

fn name_schema() -> Object {
    non_blank_line_schema(MAX_NAME_CHARACTERS)
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
async fn list(State(accounts): State<Accounts>, session: Session) -> Result<Json<Tokens>> {
    Ok(Json(Tokens { tokens: tokens::list(&accounts.pool(), session.user_id).await? }))
}

/// Make an API token
#[utoipa::path(post, path = "/api/auth/tokens", tag = "auth", security(("session" = [])), request_body = NewToken,
    responses((status = 201, body = CreatedToken),
              (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(accounts): State<Accounts>,
    session: Session,
    Json(form): Json<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>)> {
    let NewToken { name, expires_in_days } = form;
    let max_tokens = accounts.settings().max_tokens_per_user;
    let (info, secret) =
        tokens::create(&accounts.pool(), accounts.hash_key(), session.user_id, &name, expires_in_days, max_tokens)
            .await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { info, token: secret.expose_secret().to_owned() })))
}

/// Revoke an API token
#[utoipa::path(delete, path = "/api/auth/tokens/{id}", tag = "auth", security(("session" = [])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn revoke(State(accounts): State<Accounts>, session: Session, Id(id): Id) -> Result<StatusCode> {
    tokens::revoke(&accounts.pool(), session.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
