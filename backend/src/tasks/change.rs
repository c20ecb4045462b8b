//! Reading and changing single tasks.

use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::{
    error::Error,
    fields::{Draft, check_description, check_title},
    task::{Status, Task, query_tasks},
};
use crate::validation::FieldError;

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub title: Option<String>,
    pub description: Option<String>,
    pub status: Option<Status>,
}

impl Change {
    /// The error has every rule that a field breaks.
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

    pub fn of_status(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

pub async fn create(executor: impl PgExecutor<'_>, user_id: Uuid, draft: &Draft) -> Result<Task, Error> {
    let task = query_tasks!(
        "insert into tasks (id, user_id, title, description) values ($1, $2, $3, $4) returning" + COLUMNS,
        Uuid::now_v7(),
        user_id,
        draft.title,
        draft.description
    )
    .fetch_one(executor)
    .await?;
    Ok(task)
}

pub async fn get(executor: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<Task, Error> {
    query_tasks!("select" + COLUMNS + "from tasks where user_id = $1 and id = $2 and deleted_at is null", user_id, id)
        .fetch_optional(executor)
        .await?
        .ok_or(Error::NotFound)
}

/// Applies a change to a task that has one of the versions in `expected`, or any version without it. A change that
/// changes nothing leaves the version as it is, and is no event.
pub async fn update(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    expected: Option<&[i32]>,
    change: &Change,
) -> Result<Task, Error> {
    let changed = query_tasks!(
        "update tasks set
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
         returning"
            + COLUMNS,
        user_id,
        id,
        expected,
        change.title.as_deref(),
        change.description.as_deref(),
        change.status.map(Status::as_str)
    )
    .fetch_optional(&mut *connection)
    .await?;
    match changed {
        Some(task) => Ok(task),
        None => get_expected(connection, user_id, id, expected).await,
    }
}

/// Marks a task as deleted; the clean-up removes it after 24 hours. `expected` is that of [`update`].
pub async fn delete(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    expected: Option<&[i32]>,
) -> Result<(), Error> {
    let deleted = sqlx::query!(
        "update tasks set deleted_at = now(), version = version + 1
         where user_id = $1 and id = $2 and deleted_at is null and ($3::int[] is null or version = any($3))",
        user_id,
        id,
        expected
    )
    .execute(&mut *connection)
    .await?;
    if deleted.rows_affected() == 0 {
        get_expected(connection, user_id, id, expected).await?;
    }
    Ok(())
}

/// The task that a statement did not change. The error says why, if it is another reason than that nothing was to do.
async fn get_expected(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    expected: Option<&[i32]>,
) -> Result<Task, Error> {
    let task = get(connection, user_id, id).await?;
    if expected.is_none_or(|versions| versions.contains(&task.version)) {
        Ok(task)
    } else {
        Err(Error::VersionMismatch { version: task.version })
    }
}

/// Removes tasks that were deleted more than 24 hours ago, at most `limit`, and gives their number. Until then they can
/// be restored.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "with expired as
             (select id from tasks where deleted_at < now() - interval '24 hours'
              limit $1 for update skip locked)
         delete from tasks using expired where tasks.id = expired.id",
        limit
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
