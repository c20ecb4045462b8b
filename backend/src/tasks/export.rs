//! All of a user's tasks as a download.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Status;
use crate::{
    accounts::identity::Identity,
    db::Database,
    http::{error::Result, extract::Query},
    server::state::AppState,
};

/// Tasks fetched at a time; between pages no connection is held, however slow the client.
const PAGE: i64 = 500;

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// A task as it is exported, and as an import takes it.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportedTask {
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

/// Download all tasks, oldest first; `import` takes the same file
#[utoipa::path(get, path = "/api/tasks/export", tag = "tasks", params(ExportQuery),
    responses((status = 200, description = "A JSON array, or CSV with a header line",
        content((Vec<ExportedTask> = "application/json"), (String = "text/csv")))))]
pub(super) async fn export(
    State(state): State<AppState>,
    identity: Identity,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let (content_type, file) = match query.format {
        Format::Json => ("application/json", "attachment; filename=\"tasks.json\""),
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"tasks.csv\""),
    };
    let body = Body::from_stream(lines(state.database.clone(), identity.user_id, query.format));
    Ok(([(header::CONTENT_TYPE, content_type), (header::CONTENT_DISPOSITION, file)], body).into_response())
}

fn lines(database: Database, user_id: Uuid, format: Format) -> impl Stream<Item = anyhow::Result<Bytes>> {
    async_stream::try_stream! {
        let mut after = Uuid::nil();
        let mut first = true;
        loop {
            let tasks = database.while_there(page(&database.pool(), user_id, after)).await?;
            let last_page = i64::try_from(tasks.len())? < PAGE;
            if let Some(last) = tasks.last() {
                after = last.id;
            }
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

fn json_chunk(tasks: &[ExportedTask], first: bool, last: bool) -> anyhow::Result<Bytes> {
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
    Ok(chunk.into())
}

fn csv_chunk(tasks: &[ExportedTask], first: bool) -> anyhow::Result<Bytes> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if first {
        writer.write_record(["id", "title", "description", "status", "created_at", "updated_at", "completed_at"])?;
    }
    for task in tasks {
        writer.serialize(task)?;
    }
    Ok(writer.into_inner()?.into())
}

async fn page(pool: &PgPool, user_id: Uuid, after: Uuid) -> sqlx::Result<Vec<ExportedTask>> {
    sqlx::query_as!(
        ExportedTask,
        r#"select id, title, description, status as "status!: Status", created_at, updated_at, completed_at
           from tasks where user_id = $1 and deleted_at is null and id > $2 order by id limit $3"#,
        user_id,
        after,
        PAGE
    )
    .fetch_all(pool)
    .await
}
