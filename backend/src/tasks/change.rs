//! Reading and changing single tasks.

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::{Draft, Status, Task, check_description, check_title};
use crate::http::{
    error::{Error, FieldError, Result},
    preconditions::IfMatch,
};

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub title: Option<String>,
    pub description: Option<String>,
    pub status: Option<Status>,
}

impl Change {
    pub fn new(
        title: Option<&str>,
        description: Option<&str>,
        status: Option<Status>,
    ) -> Result<Self, Vec<FieldError>> {
        match (title.map(check_title).transpose(), description.map(check_description).transpose()) {
            (Ok(title), Ok(description)) => Ok(Self { title, description, status }),
            (title, description) => Err([title.err(), description.err()].into_iter().flatten().collect()),
        }
    }
}

pub async fn create(executor: impl PgExecutor<'_>, user_id: Uuid, draft: &Draft) -> Result<Task> {
    let task = sqlx::query_as!(
        Task,
        r#"insert into tasks (id, user_id, title, description) values ($1, $2, $3, $4)
           returning id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version"#,
        Uuid::now_v7(),
        user_id,
        draft.title,
        draft.description
    )
    .fetch_one(executor)
    .await?;
    Ok(task)
}

pub async fn get(executor: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<Task> {
    sqlx::query_as!(
        Task,
        r#"select id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version
           from tasks where user_id = $1 and id = $2 and deleted_at is null"#,
        user_id,
        id
    )
    .fetch_optional(executor)
    .await?
    .ok_or(Error::NotFound)
}

/// Applies a change. One that changes nothing leaves the version as it is, and is no event.
pub async fn update(pool: &PgPool, user_id: Uuid, id: Uuid, if_match: &IfMatch, change: &Change) -> Result<Task> {
    let changed = sqlx::query_as!(
        Task,
        r#"update tasks set
             title = coalesce($4, title),
             description = coalesce($5, description),
             completed_at = case
               when $6::text is null then completed_at
               when $6 = 'completed' then coalesce(completed_at, now())
             end,
             updated_at = now(),
             version = version + 1
           where user_id = $1 and id = $2 and deleted_at is null
             and ($3::int[] is null or version = any($3))
             and (title, description, status)
               is distinct from (coalesce($4, title), coalesce($5, description), coalesce($6, status))
           returning id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version"#,
        user_id,
        id,
        if_match.0.as_deref(),
        change.title.as_deref(),
        change.description.as_deref(),
        change.status.map(Status::as_str)
    )
    .fetch_optional(pool)
    .await?;
    match changed {
        Some(task) => Ok(task),
        None => unchanged(pool, user_id, id, if_match).await,
    }
}

/// Marks a task as deleted; the clean-up removes it after 24 hours.
pub async fn delete(pool: &PgPool, user_id: Uuid, id: Uuid, if_match: &IfMatch) -> Result<()> {
    let deleted = sqlx::query!(
        "update tasks set deleted_at = now(), version = version + 1
         where user_id = $1 and id = $2 and deleted_at is null and ($3::int[] is null or version = any($3))",
        user_id,
        id,
        if_match.0.as_deref()
    )
    .execute(pool)
    .await?;
    if deleted.rows_affected() == 0 {
        unchanged(pool, user_id, id, if_match).await?;
    }
    Ok(())
}

/// Why a statement found nothing to change: no such task, another version, or nothing to do.
async fn unchanged(pool: &PgPool, user_id: Uuid, id: Uuid, if_match: &IfMatch) -> Result<Task> {
    let task = get(pool, user_id, id).await?;
    if if_match.accepts(task.version) { Ok(task) } else { Err(Error::PreconditionFailed { version: task.version }) }
}
