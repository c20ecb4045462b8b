//! All of a user's tasks as a file, written page by page.

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::task::{Status, Task, query_tasks};
use crate::db::Database;

/// Tasks that are read at a time; between pages no connection is held, however slow the client.
const PAGE_SIZE: i64 = 500;
/// Text that is read at a time, in bytes, more than that of the longest task: what a slow client costs.
const MAX_PAGE_BYTES: i64 = 64 * 1024;

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Json,
    Csv,
}

const COLUMN_NAMES: [&str; 7] = ["id", "title", "description", "status", "created_at", "updated_at", "completed_at"];

/// A task as it is exported, and as an import takes it.
#[derive(Serialize, ToSchema)]
pub struct ExportedTask {
    id: Uuid,
    title: String,
    description: String,
    status: Status,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    completed_at: Option<OffsetDateTime>,
}

impl From<Task> for ExportedTask {
    fn from(task: Task) -> Self {
        let Task { id, title, description, status, created_at, updated_at, completed_at, version: _ } = task;
        Self { id, title, description, status, created_at, updated_at, completed_at }
    }
}

/// The bytes of the file, oldest task first.
pub fn export(database: Database, user_id: Uuid, format: Format) -> impl Stream<Item = anyhow::Result<Vec<u8>>> {
    async_stream::try_stream! {
        yield match format {
            Format::Json => b"[".to_vec(),
            Format::Csv => csv_lines([COLUMN_NAMES])?,
        };
        let mut after = Uuid::nil();
        loop {
            let is_first = after.is_nil();
            let tasks = database.while_available(page(&database.pool(), user_id, after)).await?;
            let Some(last) = tasks.last() else { break };
            after = last.id;
            let tasks = tasks.into_iter().map(ExportedTask::from);
            yield match format {
                Format::Json => json_entries(tasks, is_first)?,
                Format::Csv => csv_lines(tasks)?,
            };
        }
        if matches!(format, Format::Json) {
            yield b"\n]\n".to_vec();
        }
    }
}

fn json_entries(tasks: impl Iterator<Item = ExportedTask>, is_first_page: bool) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (index, task) in tasks.enumerate() {
        bytes.extend_from_slice(if is_first_page && index == 0 { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut bytes, &task)?;
    }
    Ok(bytes)
}

fn csv_lines(lines: impl IntoIterator<Item = impl Serialize>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for line in lines {
        writer.serialize(line)?;
    }
    Ok(writer.into_inner()?)
}

async fn page(pool: &PgPool, user_id: Uuid, after: Uuid) -> sqlx::Result<Vec<Task>> {
    query_tasks!(
        "select"
            + COLUMNS
            + "from (
                 select *, sum(octet_length(title) + octet_length(description)) over (order by id) as bytes
                 from (select * from tasks where user_id = $1 and deleted_at is null and id > $2 order by id limit $3)
                   as next
               ) as sized
               where bytes <= $4 order by id",
        user_id,
        after,
        PAGE_SIZE,
        MAX_PAGE_BYTES
    )
    .fetch_all(pool)
    .await
}
