//! Export and import of all tasks as a file.

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRef, FromRequest, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    export::{self, ExportedTask, Format},
    import::{self, FileType, Imported, ImportedTask},
};
use crate::{
    accounts::{Accounts, Identity},
    db::{
        Database, PooledConnection,
        idempotency::{self, Attempt},
    },
    http::{
        error::{Error, Result},
        event_stream::EventStreams,
        extract::{Json, Query, body_error, content_type},
        headers::IdempotencyKey,
        problem::Problem,
        slots::Slots,
    },
};

/// Largest file to import, in bytes.
const MAX_IMPORT_BYTES: usize = 5 * 1024 * 1024;
/// Imports of this process at a time. Each takes several times the size of its file in memory.
const MAX_IMPORTS: usize = 2;
/// Imports of one user at a time.
const MAX_IMPORTS_PER_USER: usize = 1;

/// Bounds the imports that go on at a time. A clone refers to the same imports.
#[derive(Clone)]
pub struct Imports(Slots);

impl Default for Imports {
    fn default() -> Self {
        Self(Slots::new("imports", MAX_IMPORTS, MAX_IMPORTS_PER_USER))
    }
}

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Database: FromRef<S>,
    EventStreams: FromRef<S>,
    Imports: FromRef<S>,
{
    let import = OpenApiRouter::new().routes(routes!(import)).layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES));
    OpenApiRouter::new().routes(routes!(export)).merge(import)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Download all tasks, oldest first; `import` takes the same file
#[utoipa::path(get, path = "/api/tasks/export", tag = "tasks", params(ExportQuery),
    responses((status = 200, description = "A JSON array, or CSV with a header line",
        content((Vec<ExportedTask> = "application/json"), (String = "text/csv"))),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn export(
    State(database): State<Database>,
    State(streams): State<EventStreams>,
    identity: Identity,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let (content_type, file) = match query.format {
        Format::Json => ("application/json", "attachment; filename=\"tasks.json\""),
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"tasks.csv\""),
    };
    let slot = streams.slot(identity.user_id)?;
    // The slot is taken until the last byte was sent.
    let file_stream = export::export(database, identity.user_id, query.format).inspect(move |_| _ = &slot);
    let body = Body::from_stream(file_stream);
    Ok(([(header::CONTENT_TYPE, content_type), (header::CONTENT_DISPOSITION, file)], body).into_response())
}

/// Import tasks from a JSON array or a CSV file with a header line
#[utoipa::path(post, path = "/api/tasks/import", tag = "tasks",
    request_body(content((Vec<ImportedTask> = "application/json"), (String = "text/csv"))),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "A retry with the same key within 24 hours returns the first result")),
    responses((status = 201, body = Imported),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn import(
    State(database): State<Database>,
    identity: Identity,
    State(imports): State<Imports>,
    IdempotencyKey(key): IdempotencyKey,
    request: Request,
) -> Result<(StatusCode, Json<Box<RawValue>>)> {
    let file_type = match content_type(&request).as_deref() {
        Some("application/json") => FileType::Json,
        Some("text/csv") => FileType::Csv,
        _ => return Err(Error::UnsupportedMediaType("application/json or text/csv")),
    };
    let slot = imports.0.take(identity.user_id)?;
    let file = Bytes::from_request(request, &()).await.map_err(|error| body_error(&error, MAX_IMPORT_BYTES))?;
    // Reading goes on when the request is given up, and keeps its slot so long.
    let read = move || {
        let rows = import::read(file_type, &file)?;
        Ok((slot, rows, key.map(|key| Attempt::new(key, "import", &file))))
    };
    let read: Result<_> = spawn_blocking(read).await.map_err(anyhow::Error::from)?;
    let (_slot, rows, attempt) = read?;
    let store = async |connection: &mut _| Ok(import::store(connection, identity.user_id, &rows).await?);
    let once = |mut connection: PooledConnection| async move {
        idempotency::once(&mut connection, identity.user_id, attempt, store).await
    };
    let imported: Result<_> = database.run(once).await;
    Ok((StatusCode::CREATED, Json(imported?)))
}
