//! Deleting the account, with everything that belongs to it.

use axum::{extract::State, http::StatusCode};
use axum_extra::extract::CookieJar;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{account::verify_current, identity::Session, sessions};
use crate::{
    http::{
        client::ClientAddress,
        error::{Problem, Result},
        extract::Json,
    },
    server::state::AppState,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(delete_me))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteMe {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
}

/// Delete the account, its tasks, sessions and tokens, at once and for good
#[utoipa::path(delete, path = "/api/auth/me", tag = "auth", security(("session" = [])), request_body = DeleteMe,
    responses((status = 204), (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn delete_me(
    State(state): State<AppState>,
    session: Session,
    address: ClientAddress,
    jar: CookieJar,
    Json(form): Json<DeleteMe>,
) -> Result<(StatusCode, CookieJar)> {
    verify_current(&state, session, address, form.current_password).await?;
    // Whatever refers to the user goes with the row; the end of the credentials ends open event streams.
    sqlx::query!("delete from users where id = $1", session.user_id).execute(&state.pool()).await?;
    Ok((StatusCode::NO_CONTENT, jar.add(sessions::removal(&state))))
}
