//! One change to many tasks, in one transaction.

use std::collections::HashSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Status, Task};
use crate::{
    accounts::identity::Identity,
    http::{
        error::{Error, Result},
        extract::Json,
    },
    server::state::AppState,
};

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Complete,
    Reopen,
    Delete,
    /// Takes a deletion back, within 24 hours.
    Restore,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    action: Action,
    #[schema(min_items = 1, max_items = 200)]
    ids: Vec<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct BulkResult {
    /// The tasks as they are now; for `delete`, as they were.
    tasks: Vec<Task>,
    /// Ids that name no task of yours, or one that was deleted before.
    not_found: Vec<Uuid>,
}

/// Complete, reopen, delete or restore up to 200 tasks at once
#[utoipa::path(post, path = "/api/tasks/bulk", tag = "tasks", request_body = Bulk,
    responses((status = 200, body = BulkResult)))]
pub(super) async fn bulk(
    State(state): State<AppState>,
    identity: Identity,
    Json(form): Json<Bulk>,
) -> Result<Json<BulkResult>> {
    if !(1..=200).contains(&form.ids.len()) {
        return Err(Error::invalid("ids", "must be 1 to 200 ids"));
    }
    let mut transaction = state.pool().begin().await?;
    // Rows are locked in the order of their ids, so that two bulk changes cannot wait for each other.
    let tasks = sqlx::query_as!(
        Task,
        r#"select id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version
           from tasks where user_id = $1 and id = any($2) and (deleted_at is not null) = $3
           order by id for update"#,
        identity.user_id,
        &form.ids,
        matches!(form.action, Action::Restore)
    )
    .fetch_all(&mut *transaction)
    .await?;
    let found: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
    let tasks = match form.action {
        Action::Delete => {
            sqlx::query!("update tasks set deleted_at = now(), version = version + 1 where id = any($1)", &found)
                .execute(&mut *transaction)
                .await?;
            tasks
        }
        Action::Restore => {
            sqlx::query!("update tasks set deleted_at = null, version = version + 1 where id = any($1)", &found)
                .execute(&mut *transaction)
                .await?;
            current(&mut transaction, &found).await?
        }
        Action::Complete | Action::Reopen => {
            let completed = matches!(form.action, Action::Complete);
            sqlx::query!(
                "update tasks set completed_at = case when $2 then now() end, updated_at = now(), version = version + 1
                 where id = any($1) and (completed_at is not null) <> $2",
                &found,
                completed
            )
            .execute(&mut *transaction)
            .await?;
            current(&mut transaction, &found).await?
        }
    };
    transaction.commit().await?;
    let found: HashSet<Uuid> = found.into_iter().collect();
    let mut not_found: Vec<Uuid> = form.ids.into_iter().filter(|id| !found.contains(id)).collect();
    not_found.sort_unstable();
    not_found.dedup();
    Ok(Json(BulkResult { tasks, not_found }))
}

async fn current(connection: &mut sqlx::PgConnection, ids: &[Uuid]) -> Result<Vec<Task>> {
    let tasks = sqlx::query_as!(
        Task,
        r#"select id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version
           from tasks where id = any($1) order by id"#,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(tasks)
}
