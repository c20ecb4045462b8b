//! All of a user's tasks as a file, written page by page.

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::task::{Status, Task, query_tasks};
use crate::db::Database;

/// Tasks fetched at a time; between pages no connection is held, however slow the client.
const PAGE_SIZE: i64 = 500;

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Json,
    Csv,
}

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
        let mut after = Uuid::nil();
        let mut first = true;
        loop {
            let tasks = database.while_available(page(&database.pool(), user_id, after)).await?;
            let last_page = i64::try_from(tasks.len())? < PAGE_SIZE;
            if let Some(last) = tasks.last() {
                after = last.id;
            }
            let tasks: Vec<ExportedTask> = tasks.into_iter().map(Into::into).collect();
            yield match format {
                Format::Json => json_chunk(&tasks, first, last_page)?,
                Format::Csv => csv_chunk(&tasks, first)?,
            };
            first = false;
            if last_page {
                break;
            }
        }
    }
}

fn json_chunk(tasks: &[ExportedTask], first: bool, last: bool) -> anyhow::Result<Vec<u8>> {
    let mut chunk = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        chunk.extend_from_slice(if first && index == 0 { b"[\n" } else { b",\n" });
        serde_json::to_writer(&mut chunk, task)?;
    }
    if first && tasks.is_empty() {
        chunk.push(b'[');
    }
    if last {
        chunk.extend_from_slice(b"\n]\n");
    }
    Ok(chunk)
}

fn csv_chunk(tasks: &[ExportedTask], first: bool) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if first {
        writer.write_record(["id", "title", "description", "status", "created_at", "updated_at", "completed_at"])?;
    }
    for task in tasks {
        writer.serialize(task)?;
    }
    Ok(writer.into_inner()?)
}

async fn page(pool: &PgPool, user_id: Uuid, after: Uuid) -> sqlx::Result<Vec<Task>> {
    query_tasks!(
        "select" + COLUMNS + "from tasks where user_id = $1 and deleted_at is null and id > $2 order by id limit $3",
        user_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(pool)
    .await
}
