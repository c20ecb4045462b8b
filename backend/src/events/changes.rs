//! Reading the numbered changes.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::json;
use sqlx::{PgPool, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{http::event_stream::Event, tasks::Task};

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

/// What the database says of a user's changes.
pub struct Reading {
    /// Number of the newest change.
    pub newest: i64,
    /// The user's valid credentials.
    pub credentials: Vec<Uuid>,
    /// The next changes after the position, if it is not the newest.
    pub page: Option<Page>,
}

struct Row {
    newest: i64,
    credentials: Vec<Uuid>,
    /// Like all that follows, absent in the only row of a reading without a change.
    seq: Option<i64>,
    kind: Option<Kind>,
    task_ids: Option<Vec<Uuid>>,
    /// Those that still exist. `None` as well if they are more than can be sent.
    tasks: Option<Json<Vec<Task>>>,
}

/// Reads in one statement all that the user's streams after this position need, so that it is of one moment. `None` when
/// the user is gone.
pub async fn read(pool: &PgPool, user_id: Uuid, position: Option<i64>) -> sqlx::Result<Option<Reading>> {
    // The columns are those of `Task`, since what a search looks through would be sent as well.
    let mut rows = sqlx::query_as!(
        Row,
        r#"select event_seq as newest,
             array(select id from credentials where user_id = $1 and (expires_at is null or expires_at > now()))
               as "credentials!",
             seq as "seq?", kind as "kind?: Kind", task_ids as "task_ids?", tasks as "tasks?: Json<Vec<Task>>"
           from users left join lateral (
             select seq, kind, task_ids, case when bytes <= $5 then
               (select coalesce(json_agg(task), '[]') from (
                  select id, title, description, status, created_at, updated_at, completed_at, version
                  from tasks where id = any(task_ids) and deleted_at is null) as task)
             end as tasks
             from (
               select seq, kind, task_ids, bytes, sum(bytes) over (order by seq) as total
               from (select seq, kind, task_ids from task_events
                     where user_id = $1 and seq > $2 and event_seq - $2 <= $3 order by seq limit $4) as next,
                 lateral (select coalesce(sum(octet_length(to_json(task)::text)), 0) as bytes from (
                   select id, title, description, status, created_at, updated_at, completed_at, version
                   from tasks where id = any(task_ids) and deleted_at is null) as task) as size
             ) as sized
             where total <= $5 or total = bytes
           ) as page on true
           where users.id = $1 order by seq"#,
        user_id,
        position,
        MAX_CHANGES,
        PAGE_CHANGES,
        MAX_PAGE_BYTES
    )
    .fetch_all(pool)
    .await?;
    let Some(first) = rows.first_mut() else { return Ok(None) };
    let (newest, credentials) = (first.newest, std::mem::take(&mut first.credentials));
    let page = position.filter(|position| *position != newest).map(|position| {
        let resync = || Page { events: vec![Event::new(Some(newest), "resync", &json!({}))], end: newest };
        page(position, rows).unwrap_or_else(resync)
    });
    Ok(Some(Reading { newest, credentials, page }))
}

/// `None` if the changes after the position cannot be sent: there are none, because the position is that of another
/// database or too far behind, or some were cleaned away, or are about too much.
fn page(position: i64, rows: Vec<Row>) -> Option<Page> {
    let mut page = Page { events: Vec::new(), end: position };
    for row in rows {
        let (Some(seq), Some(kind), Some(ids), Some(Json(tasks))) = (row.seq, row.kind, row.task_ids, row.tasks) else {
            return None;
        };
        // Numbers have no gaps: what is missing was cleaned away.
        if seq != page.end + 1 || ids.is_empty() {
            return None;
        }
        let by_id: HashMap<Uuid, &Task> = tasks.iter().map(|task| (task.id, task)).collect();
        let tasks = ids.iter().filter_map(|id| by_id.get(id).copied()).collect();
        page.events.push(Event::new(Some(seq), "task", &TaskEvent { kind, ids: &ids, tasks }));
        page.end = seq;
    }
    Some(page)
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
