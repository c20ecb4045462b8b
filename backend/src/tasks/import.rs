//! Tasks from a file: all of them, or none and a list of the lines that are wrong.

use std::collections::HashSet;

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Draft, Status};
use crate::{
    accounts::identity::Identity,
    http::{
        error::{Error, FieldError, Problem, Result},
        extract::{Json, body_error, content_type, from_value},
    },
    idempotency::{self, IdempotencyKey},
    server::state::AppState,
};

/// Largest import, in bytes.
pub const IMPORT_LIMIT: usize = 5 * 1024 * 1024;
/// Most tasks in one import.
const MOST_TASKS: usize = 20_000;
/// Most broken rules that one answer names.
const MOST_ERRORS: usize = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import)).layer(DefaultBodyLimit::max(IMPORT_LIMIT))
}

/// An entry of a file. What an export holds is taken, but a new id is given, so that a file can be imported anywhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedTask {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    title: String,
    #[serde(default)]
    #[schema(max_length = 1000, pattern = r"^[^\x00]*$")]
    description: String,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    completed_at: Option<OffsetDateTime>,
    #[serde(default, rename = "id")]
    _id: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct Imported {
    imported: usize,
}

/// A checked entry, ready to be stored.
struct Row {
    draft: Draft,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
}

/// Import tasks from a JSON array or a CSV file with a header line
#[utoipa::path(post, path = "/api/tasks/import", tag = "tasks",
    request_body(content((Vec<ImportedTask> = "application/json"), (String = "text/csv"))),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "A retry with the same key within 24 hours returns the first result")),
    responses((status = 201, body = Imported),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn import(
    State(state): State<AppState>,
    identity: Identity,
    key: IdempotencyKey,
    request: Request,
) -> Result<(StatusCode, Json<Imported>)> {
    let parse: fn(&[u8]) -> Result<Vec<Entry>> = match content_type(&request).as_deref() {
        Some("application/json") => parse_json,
        Some("text/csv") => parse_csv,
        _ => return Err(Error::UnsupportedMediaType("application/json or text/csv")),
    };
    let body = Bytes::from_request(request, &state).await.map_err(|error| body_error(&error, IMPORT_LIMIT))?;
    let rows = check(parse(&body)?)?;
    let imported = idempotency::once(&state.pool(), identity.user_id, key, "import", &body, async |connection| {
        store(connection, identity.user_id, &rows).await
    })
    .await?;
    Ok((StatusCode::CREATED, Json(imported)))
}

/// A line's number, and what stands there or what is wrong with it.
type Entry = (u64, Result<ImportedTask, FieldError>);

fn parse_json(body: &[u8]) -> Result<Vec<Entry>> {
    let entries: Vec<serde_json::Value> = serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Error::invalid("body", "must be an array of tasks")
        } else {
            Error::BadRequest(format!("The body is not valid JSON: {error}."))
        }
    })?;
    Ok((1..).zip(entries.into_iter().map(from_value)).collect())
}

fn parse_csv(body: &[u8]) -> Result<Vec<Entry>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(body);
    let headers = reader.headers().map_err(|error| csv_error(&error, 1))?.clone();
    let mut names = HashSet::new();
    if let Some(name) = headers.iter().find(|name| !names.insert(*name)) {
        return Err(Error::Validation(vec![FieldError {
            line: Some(1),
            ..FieldError::new(name, "must be given once")
        }]));
    }
    if !headers.iter().any(|name| name == "title") {
        return Err(Error::Validation(vec![FieldError {
            line: Some(1),
            ..FieldError::new("title", "is missing among the columns")
        }]));
    }
    let mut record = csv::StringRecord::new();
    let mut entries = Vec::new();
    loop {
        let start = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(entries),
            Ok(true) => {}
            Err(error) => return Err(csv_error(&error, start)),
        }
        let line = record.position().map_or(start, csv::Position::line);
        entries.push((line, csv_entry(&headers, &record)));
    }
}

/// An empty cell is an absent field.
fn csv_entry(headers: &csv::StringRecord, record: &csv::StringRecord) -> Result<ImportedTask, FieldError> {
    let cells = headers.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
    let object: serde_json::Map<_, _> = cells.map(|(name, cell)| (name.to_owned(), cell.into())).collect();
    from_value(object.into())
}

fn csv_error(error: &csv::Error, line: u64) -> Error {
    let rule = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "must be UTF-8 text".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} cells where the header has {expected_len}")
        }
        _ => "is not valid CSV".to_owned(),
    };
    let line = error.position().map_or(line, csv::Position::line);
    Error::Validation(vec![FieldError { line: Some(line), ..FieldError::new("line", rule) }])
}

fn check(entries: Vec<Entry>) -> Result<Vec<Row>> {
    if entries.len() > MOST_TASKS {
        return Err(Error::invalid("body", format!("must hold at most {MOST_TASKS} tasks; split the file")));
    }
    let now = OffsetDateTime::now_utc();
    let mut rows = Vec::with_capacity(entries.len());
    let mut errors = Vec::new();
    for (line, entry) in entries {
        match entry.map_err(|error| vec![error]).and_then(|task| row(&task, now)) {
            Ok(row) => rows.push(row),
            Err(wrong) => {
                errors.extend(wrong.into_iter().map(|error| FieldError { line: Some(line), ..error }));
            }
        }
    }
    if errors.is_empty() {
        return Ok(rows);
    }
    errors.truncate(MOST_ERRORS);
    Err(Error::Validation(errors))
}

fn row(task: &ImportedTask, now: OffsetDateTime) -> Result<Row, Vec<FieldError>> {
    let draft = Draft::new(&task.title, &task.description);
    let mut errors = Vec::new();
    for (field, time) in
        [("created_at", task.created_at), ("updated_at", task.updated_at), ("completed_at", task.completed_at)]
    {
        // The year counts in UTC: the last hours of 9999 in the west are no time that could be told.
        let year = time.map(|time| time.checked_to_offset(UtcOffset::UTC).map(OffsetDateTime::year));
        if year.is_some_and(|year| year.is_none_or(|year| !(1970..=9999).contains(&year))) {
            errors.push(FieldError::new(field, "must be a year from 1970 to 9999"));
        }
    }
    if task.status == Some(Status::Pending) && task.completed_at.is_some() {
        errors.push(FieldError::new("completed_at", "must be absent for a pending task"));
    }
    let created_at = task.created_at.unwrap_or(now);
    match draft {
        Ok(draft) if errors.is_empty() => Ok(Row {
            draft,
            created_at,
            updated_at: task.updated_at.unwrap_or(now),
            completed_at: task.completed_at.or_else(|| (task.status == Some(Status::Completed)).then_some(now)),
        }),
        draft => Err(draft.err().into_iter().flatten().chain(errors).collect()),
    }
}

async fn store(connection: &mut sqlx::PgConnection, user_id: Uuid, rows: &[Row]) -> Result<Imported> {
    let ids: Vec<Uuid> = rows.iter().map(|_| Uuid::now_v7()).collect();
    let titles: Vec<&str> = rows.iter().map(|row| row.draft.title.as_str()).collect();
    let descriptions: Vec<&str> = rows.iter().map(|row| row.draft.description.as_str()).collect();
    let created: Vec<OffsetDateTime> = rows.iter().map(|row| row.created_at).collect();
    let updated: Vec<OffsetDateTime> = rows.iter().map(|row| row.updated_at).collect();
    let completed: Vec<Option<OffsetDateTime>> = rows.iter().map(|row| row.completed_at).collect();
    sqlx::query!(
        "insert into tasks (id, user_id, title, description, created_at, updated_at, completed_at)
         select id, $1, title, description, created_at, updated_at, completed_at
         from unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
           as t (id, title, description, created_at, updated_at, completed_at)",
        user_id,
        &ids,
        &titles as &[&str],
        &descriptions as &[&str],
        &created,
        &updated,
        &completed as &[Option<OffsetDateTime>]
    )
    .execute(connection)
    .await?;
    Ok(Imported { imported: rows.len() })
}
