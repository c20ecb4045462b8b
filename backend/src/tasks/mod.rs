//! Tasks. Every statement names the owner, so that another user's task is simply not there.
//!
//! A change needs nothing further to show up elsewhere: triggers on the table record it for [`crate::events`].

mod bulk;
mod change;
mod export;
mod fields;
mod import;
mod list;

pub use change::{Change, create, delete, get, update};
pub use fields::{Draft, check_description, check_title};
pub use list::{Counts, ListQuery, Page, Sort, StatusFilter, default_limit, page};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    accounts::{account::present, identity::Identity},
    http::{
        error::{Error, Problem, Result},
        extract::{Id, Json},
        preconditions::{IfMatch, etag},
    },
    idempotency::{self, IdempotencyKey},
    server::state::AppState,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create_task))
        .routes(routes!(get_task, update_task, delete_task))
        .routes(routes!(complete))
        .routes(routes!(reopen))
        .routes(routes!(bulk::bulk))
        .routes(routes!(export::export))
        .merge(import::router())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    Pending,
    Completed,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
pub struct Task {
    pub id: Uuid,
    pub title: String,
    /// Empty when there is none.
    pub description: String,
    pub status: Status,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub completed_at: Option<OffsetDateTime>,
    /// Counts up with each change; the `ETag` in quotes.
    pub version: i32,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTask {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    title: String,
    #[serde(default)]
    #[schema(max_length = 1000, pattern = r"^[^\x00]*$")]
    description: String,
}

/// A JSON merge patch: what is absent stays, a `null` description is an empty one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateTask {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false)]
    title: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 1000, pattern = r"^[^\x00]*$")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Status, required = false)]
    status: Option<Status>,
}

/// A task with its `ETag`.
struct Tagged(Task);

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.0.version))], Json(self.0)).into_response()
    }
}

/// Make a task
#[utoipa::path(post, path = "/api/tasks", tag = "tasks", request_body = NewTask,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "A retry with the same key within 24 hours returns the first result")),
    responses((status = 201, body = Task, headers(("ETag" = String), ("Location" = String)))))]
async fn create_task(
    State(state): State<AppState>,
    identity: Identity,
    key: IdempotencyKey,
    Json(form): Json<NewTask>,
) -> Result<Response> {
    let draft = Draft::new(&form.title, &form.description).map_err(Error::Validation)?;
    let request = serde_json::to_vec(&form).map_err(anyhow::Error::from)?;
    let task: Task = idempotency::once(&state.pool(), identity.user_id, key, "create", &request, async |connection| {
        create(connection, identity.user_id, &draft).await
    })
    .await?;
    let location = HeaderValue::try_from(format!("/api/tasks/{}", task.id)).expect("a UUID is a valid header value");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(task)).into_response())
}

/// One task
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "tasks", params(("id" = Uuid, Path)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn get_task(State(state): State<AppState>, identity: Identity, Id(id): Id) -> Result<Tagged> {
    get(&state.pool(), identity.user_id, id).await.map(Tagged)
}

/// Change a task
#[utoipa::path(patch, path = "/api/tasks/{id}", tag = "tasks", request_body = UpdateTask,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn update_task(
    State(state): State<AppState>,
    identity: Identity,
    Id(id): Id,
    if_match: IfMatch,
    Json(form): Json<UpdateTask>,
) -> Result<Tagged> {
    let change =
        Change::new(form.title.as_deref(), form.description.map(Option::unwrap_or_default).as_deref(), form.status)
            .map_err(Error::Validation)?;
    update(&state.pool(), identity.user_id, id, &if_match, &change).await.map(Tagged)
}

/// Delete a task; `restore` of the bulk route takes it back within 24 hours
#[utoipa::path(delete, path = "/api/tasks/{id}", tag = "tasks",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn delete_task(
    State(state): State<AppState>,
    identity: Identity,
    Id(id): Id,
    if_match: IfMatch,
) -> Result<StatusCode> {
    delete(&state.pool(), identity.user_id, id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Complete a task; one that is completed stays as it is
#[utoipa::path(post, path = "/api/tasks/{id}/complete", tag = "tasks",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn complete(State(state): State<AppState>, identity: Identity, Id(id): Id, if_match: IfMatch) -> Result<Tagged> {
    let change = Change { status: Some(Status::Completed), ..Change::default() };
    update(&state.pool(), identity.user_id, id, &if_match, &change).await.map(Tagged)
}

/// Reopen a completed task
#[utoipa::path(post, path = "/api/tasks/{id}/reopen", tag = "tasks",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn reopen(State(state): State<AppState>, identity: Identity, Id(id): Id, if_match: IfMatch) -> Result<Tagged> {
    let change = Change { status: Some(Status::Pending), ..Change::default() };
    update(&state.pool(), identity.user_id, id, &if_match, &change).await.map(Tagged)
}
