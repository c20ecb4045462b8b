//! Reading the numbered changes.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::Identity,
    http::event_stream::Event,
    tasks::{self, Task},
};

/// Changes that a client may be behind; one that is further behind has to fetch everything anew.
const MAX_CHANGES: i64 = 100;
/// Changes that are read at a time.
const PAGE_CHANGES: i64 = 20;
/// Tasks that are read at a time, and those of one change that is sent, in bytes of JSON.
const MAX_PAGE_BYTES: i64 = 128 * 1024;

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
pub struct TaskEvent<'a> {
    kind: Kind,
    ids: &'a [Uuid],
    /// Those of the tasks that still exist, as they are now.
    tasks: Vec<&'a Task>,
}

/// The changes after a position, up to a bound.
pub struct Page {
    /// At least one.
    pub events: Vec<Event>,
    /// The position after them.
    pub end: i64,
}

struct Row {
    seq: i64,
    kind: Kind,
    task_ids: Vec<Uuid>,
    /// Size of the tasks, as JSON.
    bytes: i64,
}

/// Number of the user's newest change. `None` when the credential is gone or has expired.
pub async fn newest(pool: &PgPool, identity: Identity) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select users.event_seq from users join credentials on credentials.user_id = users.id
         where credentials.id = $1 and (expires_at is null or expires_at > now())",
        identity.credential_id
    )
    .fetch_optional(pool)
    .await
}

/// The next of the changes from `position` to `newest`, which differ.
pub async fn page(pool: &PgPool, user_id: Uuid, position: i64, newest: i64) -> sqlx::Result<Page> {
    // A position after the newest belongs to another database.
    let behind = newest.checked_sub(position).unwrap_or_default();
    let rows = if (1..=MAX_CHANGES).contains(&behind) {
        sqlx::query_as!(
            Row,
            r#"select seq as "seq!", kind as "kind!: Kind", task_ids as "task_ids!", bytes as "bytes!"
               from (
                 select seq, kind, task_ids, bytes, (sum(bytes) over (order by seq))::bigint as total
                 from (select seq, kind, task_ids from task_events
                       where user_id = $1 and seq > $2 and seq <= $3 order by seq limit $4) as next,
                   lateral (select coalesce(sum(octet_length(to_json(tasks)::text)), 0) as bytes
                            from tasks where id = any(task_ids) and deleted_at is null) as size
               ) as sized
               where total <= $5 or total = bytes order by seq"#,
            user_id,
            position,
            newest,
            PAGE_CHANGES,
            MAX_PAGE_BYTES
        )
        .fetch_all(pool)
        .await?
    } else {
        Vec::new()
    };
    // Numbers have no gaps: what is missing was cleaned away.
    let complete = !rows.is_empty() && (position + 1..).zip(&rows).all(|(number, row)| row.seq == number);
    let sendable = |row: &Row| !row.task_ids.is_empty() && row.bytes <= MAX_PAGE_BYTES;
    if !complete || !rows.iter().all(sendable) {
        return Ok(Page { events: vec![Event::new(Some(newest), "resync", &json!({}))], end: newest });
    }
    let end = rows.last().map_or(newest, |row| row.seq);
    Ok(Page { events: task_events(pool, user_id, &rows).await?, end })
}

async fn task_events(pool: &PgPool, user_id: Uuid, rows: &[Row]) -> sqlx::Result<Vec<Event>> {
    let mut ids: Vec<Uuid> = rows.iter().flat_map(|row| row.task_ids.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let tasks = tasks::get_many(pool, user_id, &ids).await?;
    let tasks: HashMap<Uuid, &Task> = tasks.iter().map(|task| (task.id, task)).collect();
    let event = |row: &Row| {
        let tasks = row.task_ids.iter().filter_map(|id| tasks.get(id).copied()).collect();
        Event::new(Some(row.seq), "task", &TaskEvent { kind: row.kind, ids: &row.task_ids, tasks })
    };
    Ok(rows.iter().map(event).collect())
}

/// Removes changes that are older than an hour, at most `limit`, and gives their number.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "with expired as
             (select user_id, seq from task_events where created_at < now() - interval '1 hour'
              limit $1 for update skip locked)
         delete from task_events events using expired
         where (events.user_id, events.seq) = (expired.user_id, expired.seq)",
        limit
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
