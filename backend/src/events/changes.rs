//! Reading the numbered changes.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::Identity,
    tasks::{self, Task},
};

/// Changes that a stream sends one by one; a client that is further behind has to fetch everything anew.
const MAX_CHANGES: i64 = 100;

#[derive(Clone, Copy, Debug, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Kind {
    Created,
    Updated,
    Deleted,
    Restored,
}

/// Data of a `task` event.
#[derive(Serialize, ToSchema)]
pub struct TaskEvent {
    kind: Kind,
    ids: Vec<Uuid>,
    /// Those of the tasks that still exist, as they are now.
    tasks: Vec<Task>,
}

/// What has changed since a position.
pub enum Changes {
    /// The credential is gone or has expired.
    SignedOut,
    Since {
        /// Number of the user's newest change.
        newest: i64,
        /// Whether changes up to `newest` are missing in `events`.
        missed: bool,
        /// Each with its number.
        events: Vec<(i64, TaskEvent)>,
    },
}

struct Row {
    seq: i64,
    kind: Kind,
    task_ids: Vec<Uuid>,
}

/// The changes after `position`. Without a position, only the newest number is read.
pub async fn since(pool: &PgPool, identity: Identity, position: Option<i64>) -> sqlx::Result<Changes> {
    let newest = sqlx::query_scalar!(
        "select users.event_seq from users join credentials on credentials.user_id = users.id
         where credentials.id = $1 and (expires_at is null or expires_at > now())",
        identity.credential_id
    )
    .fetch_optional(pool)
    .await?;
    let Some(newest) = newest else { return Ok(Changes::SignedOut) };
    let position = position.unwrap_or(newest);
    if position == newest {
        return Ok(Changes::Since { newest, missed: false, events: Vec::new() });
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select seq, kind as "kind: Kind", task_ids from task_events
           where user_id = $1 and seq > $2 and seq <= $3 order by seq limit $4"#,
        identity.user_id,
        position,
        newest,
        MAX_CHANGES
    )
    .fetch_all(pool)
    .await?;
    // Numbers have no gaps: fewer rows than numbers means that some were cleaned away or are too many. A position
    // after the newest belongs to another database.
    let complete = i64::try_from(rows.len()).ok() == newest.checked_sub(position);
    if !complete || rows.iter().any(|row| row.task_ids.is_empty()) {
        return Ok(Changes::Since { newest, missed: true, events: Vec::new() });
    }
    let events = with_tasks(pool, identity.user_id, rows).await?;
    Ok(Changes::Since { newest, missed: false, events })
}

async fn with_tasks(pool: &PgPool, user_id: Uuid, rows: Vec<Row>) -> sqlx::Result<Vec<(i64, TaskEvent)>> {
    let ids: Vec<Uuid> = rows.iter().flat_map(|row| row.task_ids.iter().copied()).collect();
    let tasks = tasks::get_many(pool, user_id, &ids).await?;
    let tasks: HashMap<Uuid, Task> = tasks.into_iter().map(|task| (task.id, task)).collect();
    let event = |row: Row| {
        let tasks = row.task_ids.iter().filter_map(|id| tasks.get(id).cloned()).collect();
        (row.seq, TaskEvent { kind: row.kind, ids: row.task_ids, tasks })
    };
    Ok(rows.into_iter().map(event).collect())
}

/// Removes changes that are older than an hour, and gives their number.
pub async fn remove_expired(pool: &PgPool) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from task_events where (user_id, seq) in
             (select user_id, seq from task_events where created_at < now() - interval '1 hour'
              for update skip locked)"
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
