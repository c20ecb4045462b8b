//! One change to many tasks, in one transaction.

use std::collections::HashSet;

use serde::Deserialize;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::Error,
    task::{Task, query_tasks},
};
use crate::validation::FieldError;

/// Tasks that one change may name.
const MAX_IDS: usize = 200;

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Complete,
    Reopen,
    Delete,
    /// Takes a deletion back, within 24 hours.
    Restore,
}

/// What a bulk change did.
pub struct Outcome {
    /// The tasks as they are now; deleted ones as they were.
    pub tasks: Vec<Task>,
    /// Ids that name no task of the user to which the action applies, each once.
    pub not_found: Vec<Uuid>,
}

/// Does the same to every task that these ids name.
pub async fn apply(pool: &PgPool, user_id: Uuid, action: Action, ids: Vec<Uuid>) -> Result<Outcome, Error> {
    if !(1..=MAX_IDS).contains(&ids.len()) {
        return Err(FieldError::new("ids", "must be 1 to 200 ids").into());
    }
    let mut transaction = pool.begin().await?;
    // Rows are locked in the order of their ids, so that two bulk changes cannot wait for each other.
    let tasks = query_tasks!(
        "select"
            + COLUMNS
            + "from tasks where user_id = $1 and id = any($2) and (deleted_at is not null) = $3
         order by id for update",
        user_id,
        &ids,
        matches!(action, Action::Restore)
    )
    .fetch_all(&mut *transaction)
    .await?;
    let found: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
    let tasks = match action {
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
            let completed = matches!(action, Action::Complete);
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
    let mut not_found: Vec<Uuid> = ids.into_iter().filter(|id| !found.contains(id)).collect();
    not_found.sort_unstable();
    not_found.dedup();
    Ok(Outcome { tasks, not_found })
}

async fn current(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Task>, Error> {
    let tasks = query_tasks!("select" + COLUMNS + "from tasks where id = any($1) order by id", ids)
        .fetch_all(connection)
        .await?;
    Ok(tasks)
}
