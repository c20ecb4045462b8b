//! The list, and changes to many tasks at once.

use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::super::{
    bulk::{self, Action},
    list::{self, ListQuery, Page},
    task::Task,
};
use crate::{
    accounts::{Accounts, Identity},
    db::{Database, PooledConnection},
    http::{
        error::Result,
        extract::{Json, Query},
    },
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Database: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change_many))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    action: Action,
    #[schema(min_items = 1, max_items = 200)]
    ids: Vec<Uuid>,
}

#[derive(Serialize, ToSchema)]
struct BulkResult {
    /// The tasks as they are now; for `delete`, as they were.
    tasks: Vec<Task>,
    /// Ids that name no task of yours, or one that was deleted before.
    not_found: Vec<Uuid>,
}

/// Your tasks
#[utoipa::path(get, path = "/api/tasks", operation_id = "list_tasks", tag = "tasks", params(ListQuery), responses((status = 200, body = Page)))]
async fn list(
    State(database): State<Database>,
    identity: Identity,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page>> {
    let query = &query;
    let list =
        |mut connection: PooledConnection| async move { list::list(&mut **connection, identity.user_id, query).await };
    Ok(Json(database.read(list).await?))
}

/// Complete, reopen, delete or restore up to 200 tasks at once
#[utoipa::path(post, path = "/api/tasks/bulk", operation_id = "bulk", tag = "tasks", request_body = Bulk,
    responses((status = 200, body = BulkResult)))]
async fn change_many(
    State(database): State<Database>,
    identity: Identity,
    Json(form): Json<Bulk>,
) -> Result<Json<BulkResult>> {
    let outcome = bulk::apply(&database.pool(), identity.user_id, form.action, form.ids).await?;
    Ok(Json(BulkResult { tasks: outcome.tasks, not_found: outcome.not_found }))
}
