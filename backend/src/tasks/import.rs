//! Tasks from a file: all of them are stored, or none, and then every line that is wrong is named.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{OffsetDateTime, UtcOffset};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::Error,
    fields::{Draft, description_schema, title_schema},
    task::Status,
};
use crate::validation::{FieldError, json::from_value};

/// Most tasks in one import.
const MAX_TASKS: usize = 20_000;
/// Most broken rules that one answer names.
const MAX_ERRORS: usize = 100;

/// An entry of a file. What an export holds is taken, but a new id is given, so that a file can be imported anywhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedTask {
    #[schema(schema_with = title_schema)]
    title: String,
    #[serde(default)]
    #[schema(schema_with = description_schema)]
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

#[derive(Serialize, ToSchema)]
pub struct Imported {
    imported: usize,
}

/// The types of file that can be imported.
#[derive(Clone, Copy, Debug)]
pub enum FileType {
    Json,
    Csv,
}

/// Checked entries of a file, ready to be stored.
pub struct Rows(Vec<Row>);

struct Row {
    draft: Draft,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
}

/// Reads a file and checks every entry. The error names all that are wrong, up to a bound.
pub fn read(file_type: FileType, file: &[u8]) -> Result<Rows, Error> {
    let entries = match file_type {
        FileType::Json => parse_json(file)?,
        FileType::Csv => parse_csv(file)?,
    };
    check(entries).map(Rows)
}

/// The number of a line, and the entry on it or what is wrong with it.
type Entry = (u64, Result<ImportedTask, FieldError>);

fn parse_json(body: &[u8]) -> Result<Vec<Entry>, Error> {
    let entries: Vec<serde_json::Value> = serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            FieldError::new("body", "must be an array of tasks").into()
        } else {
            Error::Malformed(format!("The body is not valid JSON: {error}."))
        }
    })?;
    Ok((1..).zip(entries.into_iter().map(from_value)).collect())
}

fn parse_csv(body: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(body);
    let headers = reader.headers().map_err(|error| csv_error(&error, 1))?.clone();
    let mut names = HashSet::new();
    if let Some(name) = headers.iter().find(|name| !names.insert(*name)) {
        return Err(FieldError::new(name, "must be given once").at_line(1).into());
    }
    if !headers.iter().any(|name| name == "title") {
        return Err(FieldError::new("title", "is missing among the columns").at_line(1).into());
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
    FieldError::new("line", rule).at_line(line).into()
}

fn check(entries: Vec<Entry>) -> Result<Vec<Row>, Error> {
    if entries.len() > MAX_TASKS {
        return Err(FieldError::new("body", format!("must hold at most {MAX_TASKS} tasks; split the file")).into());
    }
    let now = OffsetDateTime::now_utc();
    let mut rows = Vec::with_capacity(entries.len());
    let mut errors = Vec::new();
    for (line, entry) in entries {
        match entry.map_err(|error| vec![error]).and_then(|task| row(&task, now)) {
            Ok(row) => rows.push(row),
            Err(wrong) => {
                errors.extend(wrong.into_iter().map(|error| error.at_line(line)));
            }
        }
    }
    if errors.is_empty() {
        return Ok(rows);
    }
    errors.truncate(MAX_ERRORS);
    Err(errors.into())
}

fn row(task: &ImportedTask, now: OffsetDateTime) -> Result<Row, Vec<FieldError>> {
    let draft = Draft::new(&task.title, &task.description);
    let mut errors = Vec::new();
    for (field, time) in
        [("created_at", task.created_at), ("updated_at", task.updated_at), ("completed_at", task.completed_at)]
    {
        // The year counts in UTC, where the last hours of 9999 in the west are a time that RFC 3339 cannot express.
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

/// Stores the tasks under new ids.
pub async fn store(connection: &mut PgConnection, user_id: Uuid, Rows(rows): &Rows) -> Result<Imported, Error> {
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
