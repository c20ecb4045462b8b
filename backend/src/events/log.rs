//! Reading the numbered changes.

use std::collections::HashMap;

use sqlx::PgPool;
use uuid::Uuid;

use super::{Kind, TaskEvent};
use crate::{
    accounts::identity::Identity,
    tasks::{Status, Task},
};

/// More changes than this at once are not told one by one.
const MOST_EVENTS: i64 = 100;

pub enum Look {
    /// The credential is gone or has expired.
    SignedOut,
    Changes {
        newest: i64,
        /// Whether changes up to `newest` are missing in `events`.
        missed: bool,
        events: Vec<(i64, TaskEvent)>,
    },
}

struct Row {
    seq: i64,
    kind: Kind,
    task_ids: Vec<Uuid>,
}

/// What has happened after `position`; without a position only the newest number is of interest.
pub async fn look(pool: &PgPool, identity: Identity, position: Option<i64>) -> sqlx::Result<Look> {
    let newest = sqlx::query_scalar!(
        "select users.event_seq from users join credentials on credentials.user_id = users.id
         where credentials.id = $1 and (expires_at is null or expires_at > now())",
        identity.credential_id
    )
    .fetch_optional(pool)
    .await?;
    let Some(newest) = newest else { return Ok(Look::SignedOut) };
    let position = position.unwrap_or(newest);
    if position == newest {
        return Ok(Look::Changes { newest, missed: false, events: Vec::new() });
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select seq, kind as "kind: Kind", task_ids from task_events
           where user_id = $1 and seq > $2 and seq <= $3 order by seq limit $4"#,
        identity.user_id,
        position,
        newest,
        MOST_EVENTS
    )
    .fetch_all(pool)
    .await?;
    // Numbers have no gaps: fewer rows than numbers means that some were cleaned away or are too many. A position
    // after the newest belongs to another database.
    let complete = i64::try_from(rows.len()).ok() == newest.checked_sub(position);
    if !complete || rows.iter().any(|row| row.task_ids.is_empty()) {
        return Ok(Look::Changes { newest, missed: true, events: Vec::new() });
    }
    let events = with_tasks(pool, identity.user_id, rows).await?;
    Ok(Look::Changes { newest, missed: false, events })
}

async fn with_tasks(pool: &PgPool, user_id: Uuid, rows: Vec<Row>) -> sqlx::Result<Vec<(i64, TaskEvent)>> {
    let ids: Vec<Uuid> = rows.iter().flat_map(|row| row.task_ids.iter().copied()).collect();
    let tasks = sqlx::query_as!(
        Task,
        r#"select id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version
           from tasks where user_id = $1 and id = any($2) and deleted_at is null"#,
        user_id,
        &ids
    )
    .fetch_all(pool)
    .await?;
    let tasks: HashMap<Uuid, Task> = tasks.into_iter().map(|task| (task.id, task)).collect();
    let event = |row: Row| {
        let tasks = row.task_ids.iter().filter_map(|id| tasks.get(id).cloned()).collect();
        (row.seq, TaskEvent { kind: row.kind, ids: row.task_ids, tasks })
    };
    Ok(rows.into_iter().map(event).collect())
}
