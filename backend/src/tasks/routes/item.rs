//! Single tasks.

use axum::{
    extract::{FromRef, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::super::{
    change::{self, Change},
    fields::{Draft, description_schema, nullable_description_schema, title_schema},
    task::{Status, Task},
};
use crate::{
    accounts::{Accounts, Identity},
    db::{
        Database, PooledConnection,
        idempotency::{self, Attempt},
    },
    http::{
        error::{Error, Result},
        extract::{Id, Json},
        headers::{IdempotencyKey, IfMatch, etag},
        problem::Problem,
    },
    validation::json::present,
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Database: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_task))
        .routes(routes!(get_task, update_task, delete_task))
        .routes(routes!(complete))
        .routes(routes!(reopen))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTask {
    #[schema(schema_with = title_schema)]
    title: String,
    #[serde(default)]
    #[schema(schema_with = description_schema)]
    description: String,
}

/// A JSON merge patch: what is absent stays, a `null` description is an empty one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateTask {
    #[serde(default, deserialize_with = "present")]
    #[schema(schema_with = title_schema, required = false)]
    title: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(schema_with = nullable_description_schema)]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Status, required = false)]
    status: Option<Status>,
}

/// A task with its `ETag`.
struct WithEtag(Task);

impl IntoResponse for WithEtag {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.0.version))], Json(self.0)).into_response()
    }
}

/// Make a task
#[utoipa::path(post, path = "/api/tasks", tag = "tasks", request_body = NewTask,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "A retry with the same key within 24 hours returns the first result")),
    responses((status = 201, body = Task, headers(("ETag" = String), ("Location" = String))),
              (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn create_task(
    State(database): State<Database>,
    identity: Identity,
    IdempotencyKey(key): IdempotencyKey,
    Json(form): Json<NewTask>,
) -> Result<Response> {
    let draft = Draft::new(&form.title, &form.description).map_err(Error::Validation)?;
    let request = serde_json::to_vec(&form).map_err(anyhow::Error::from)?;
    let attempt = key.map(|key| Attempt::new(key, "create", &request));
    let create = async |connection: &mut _| Ok(change::create(connection, identity.user_id, &draft).await?);
    let once = |mut connection: PooledConnection| async move {
        idempotency::once(&mut connection, identity.user_id, attempt, create).await
    };
    let answer: Result<_> = database.run(once).await;
    created(answer?)
}

/// The answer to the request that created a task. It may have been recorded by another release, so that only what the
/// headers need is read.
fn created(task: Box<RawValue>) -> Result<Response> {
    #[derive(Deserialize)]
    struct Created {
        id: Uuid,
        version: i32,
    }
    let Created { id, version } = serde_json::from_str(task.get()).map_err(anyhow::Error::from)?;
    let location = HeaderValue::try_from(format!("/api/tasks/{id}")).expect("a UUID is a valid header value");
    let headers = [(header::LOCATION, location), (header::ETAG, etag(version))];
    Ok((StatusCode::CREATED, headers, Json(task)).into_response())
}

/// One task
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "tasks", params(("id" = Uuid, Path)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn get_task(State(database): State<Database>, identity: Identity, Id(id): Id) -> Result<WithEtag> {
    let get =
        |mut connection: PooledConnection| async move { change::get(&mut **connection, identity.user_id, id).await };
    Ok(WithEtag(database.read(get).await?))
}

/// Change a task
#[utoipa::path(patch, path = "/api/tasks/{id}", tag = "tasks", request_body = UpdateTask,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn update_task(
    State(database): State<Database>,
    identity: Identity,
    Id(id): Id,
    if_match: IfMatch,
    Json(form): Json<UpdateTask>,
) -> Result<WithEtag> {
    let description = form.description.map(Option::unwrap_or_default);
    let change = Change::new(form.title.as_deref(), description.as_deref(), form.status).map_err(Error::Validation)?;
    apply(&database, identity, id, if_match, &change).await
}

/// Delete a task; `restore` of the bulk route takes it back within 24 hours
#[utoipa::path(delete, path = "/api/tasks/{id}", tag = "tasks",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn delete_task(
    State(database): State<Database>,
    identity: Identity,
    Id(id): Id,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut connection = database.pool().acquire().await?;
    change::delete(&mut connection, identity.user_id, id, if_match.0.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Complete a task; one that is completed stays as it is
#[utoipa::path(post, path = "/api/tasks/{id}/complete", tag = "tasks",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn complete(
    State(database): State<Database>,
    identity: Identity,
    Id(id): Id,
    if_match: IfMatch,
) -> Result<WithEtag> {
    apply(&database, identity, id, if_match, &Change::of_status(Status::Completed)).await
}

/// Reopen a completed task
#[utoipa::path(post, path = "/api/tasks/{id}/reopen", tag = "tasks",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]+")$"#)),
    responses((status = 200, body = Task, headers(("ETag" = String))),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 412, body = Problem, content_type = "application/problem+json")))]
async fn reopen(
    State(database): State<Database>,
    identity: Identity,
    Id(id): Id,
    if_match: IfMatch,
) -> Result<WithEtag> {
    apply(&database, identity, id, if_match, &Change::of_status(Status::Pending)).await
}

async fn apply(
    database: &Database,
    identity: Identity,
    id: Uuid,
    IfMatch(expected): IfMatch,
    change: &Change,
) -> Result<WithEtag> {
    let mut connection = database.pool().acquire().await?;
    Ok(WithEtag(change::update(&mut connection, identity.user_id, id, expected.as_deref(), change).await?))
}
