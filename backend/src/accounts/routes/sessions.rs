//! The list of the user's sessions, and their end.

use axum::{
    extract::{FromRef, State},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    extract::Session,
    sessions::{self, SessionInfo},
    state::Accounts,
};
use crate::http::{
    error::Result,
    extract::{Id, Json},
    problem::Problem,
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list, end_all_others)).routes(routes!(end_one))
}

#[derive(Serialize, ToSchema)]
struct Sessions {
    sessions: Vec<SessionInfo>,
}

/// Your sessions, newest first
#[utoipa::path(get, path = "/api/auth/sessions", operation_id = "list_sessions", tag = "auth", security(("session" = [])), responses((status = 200, body = Sessions)))]
async fn list(State(accounts): State<Accounts>, session: Session) -> Result<Json<Sessions>> {
    let sessions = sessions::list(&accounts.pool(), session.user_id, session.id).await?;
    Ok(Json(Sessions { sessions }))
}

/// End every session but this one
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "auth", security(("session" = [])), responses((status = 204)))]
async fn end_all_others(State(accounts): State<Accounts>, session: Session) -> Result<StatusCode> {
    sessions::end_others(&accounts.pool(), session.user_id, session.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one session
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth", security(("session" = [])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn end_one(State(accounts): State<Accounts>, session: Session, Id(id): Id) -> Result<StatusCode> {
    sessions::end(&accounts.pool(), session.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
