//! Tasks from a file: all of them are stored, or none, and then the lines that are wrong are named.
//!
//! A file is checked while it is read, entry by entry, so that no file takes much more memory than its own size.

use std::{
    collections::HashSet,
    fmt,
    io::{self, Read},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    error::Error,
    fields::{Draft, description_schema, title_schema},
    task::Status,
};
use crate::validation::{FieldError, json::from_value, year_in_utc};

/// Most tasks in one import.
const MAX_TASKS: usize = 20_000;
/// Most broken rules that one answer names. Reading ends with them.
const MAX_ERRORS: usize = 100;
/// Longest entry of a JSON array, and longest line of a CSV file, in bytes: several times what the longest task needs.
const MAX_ENTRY_BYTES: usize = 64 * 1024;

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

/// Reads a file and checks every entry. The error names those that are wrong, up to a bound. It takes a moment, in
/// which the thread can do nothing else.
pub fn read(file_type: FileType, file: &[u8]) -> Result<Rows, Error> {
    let entries = Entries { now: OffsetDateTime::now_utc(), rows: Vec::new(), errors: Vec::new() };
    match file_type {
        FileType::Json => read_json(file, entries),
        FileType::Csv => read_csv(file, entries),
    }
}

/// The entries that were read so far.
struct Entries {
    /// The time of what a file gives no time of.
    now: OffsetDateTime,
    rows: Vec<Row>,
    /// Each with its line.
    errors: Vec<FieldError>,
}

/// The rest of a file does not matter: it has more tasks, or more errors, than an import takes.
#[derive(Debug, thiserror::Error)]
#[error("the file has too many tasks or errors")]
struct Full;

impl Entries {
    fn add(&mut self, line: u64, entry: Result<ImportedTask, FieldError>) -> Result<(), Full> {
        match entry.map_err(|error| vec![error]).and_then(|task| row(&task, self.now)) {
            Ok(row) => self.rows.push(row),
            Err(wrong) => self.errors.extend(wrong.into_iter().map(|error| error.at_line(line))),
        }
        if self.is_full() { Err(Full) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.rows.len() > MAX_TASKS || self.errors.len() >= MAX_ERRORS
    }

    fn finish(mut self) -> Result<Rows, Error> {
        if self.rows.len() > MAX_TASKS {
            return Err(FieldError::new("body", format!("must hold at most {MAX_TASKS} tasks; split the file")).into());
        }
        self.errors.truncate(MAX_ERRORS);
        if self.errors.is_empty() { Ok(Rows(self.rows)) } else { Err(self.errors.into()) }
    }
}

fn read_json(file: &[u8], mut entries: Entries) -> Result<Rows, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(file);
    let read = deserializer.deserialize_seq(&mut entries).and_then(|()| deserializer.end());
    match read {
        Err(error) if !entries.is_full() => Err(if error.is_data() {
            FieldError::new("body", "must be an array of tasks").into()
        } else {
            Error::Malformed(format!("The body is not valid JSON: {error}."))
        }),
        _ => entries.finish(),
    }
}

/// Takes the entries of a JSON array one after the other, without building any of them that is too long.
impl<'de> Visitor<'de> for &mut Entries {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of tasks")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(entry) = array.next_element::<&RawValue>()? {
            number += 1;
            self.add(number, json_entry(entry)).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

fn json_entry(entry: &RawValue) -> Result<ImportedTask, FieldError> {
    if entry.get().len() > MAX_ENTRY_BYTES {
        return Err(FieldError::new("body", format!("must be at most {MAX_ENTRY_BYTES} bytes")));
    }
    let object = serde_json::from_str(entry.get());
    from_value(object.map_err(|error| FieldError::new("body", format!("is not valid JSON: {error}")))?)
}

/// Gives a CSV reader only so many bytes for each record. The reader keeps a record in memory until its end.
struct BoundedRecords<'a> {
    file: &'a [u8],
    /// Bytes that are left for the current record.
    left: usize,
}

impl Read for BoundedRecords<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.left);
        if length == 0 && !self.file.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.left -= length;
        self.file.read(&mut buffer[..length])
    }
}

fn read_csv(file: &[u8], mut entries: Entries) -> Result<Rows, Error> {
    let file = BoundedRecords { file, left: MAX_ENTRY_BYTES };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(file);
    let headers = reader.headers().map_err(|error| csv_error(&error, 1))?.clone();
    let mut names = HashSet::new();
    if let Some(name) = headers.iter().find(|name| !names.insert(*name)) {
        return Err(FieldError::new(name, "must be given once").at_line(1).into());
    }
    if !names.contains("title") {
        return Err(FieldError::new("title", "is missing among the columns").at_line(1).into());
    }
    let mut record = csv::StringRecord::new();
    loop {
        let start = reader.position().line();
        reader.get_mut().left = MAX_ENTRY_BYTES;
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(csv_error(&error, start)),
        }
        let line = record.position().map_or(start, csv::Position::line);
        if entries.add(line, csv_entry(&headers, &record)).is_err() {
            break;
        }
    }
    entries.finish()
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
        csv::ErrorKind::Io(_) => format!("must be at most {MAX_ENTRY_BYTES} bytes"),
        _ => "is not valid CSV".to_owned(),
    };
    let line = error.position().map_or(line, csv::Position::line);
    FieldError::new("line", rule).at_line(line).into()
}

fn row(task: &ImportedTask, now: OffsetDateTime) -> Result<Row, Vec<FieldError>> {
    let draft = Draft::new(&task.title, &task.description);
    let mut errors = Vec::new();
    for (field, time) in
        [("created_at", task.created_at), ("updated_at", task.updated_at), ("completed_at", task.completed_at)]
    {
        if time.is_some_and(|time| year_in_utc(time).is_none_or(|year| !(1970..=9999).contains(&year))) {
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
