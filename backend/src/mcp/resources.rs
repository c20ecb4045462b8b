//! Tasks as resources: lists by status, and each task by its id.

use rmcp::{
    ErrorData,
    model::{Resource, ResourceContents, ResourceTemplate},
};
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::error::internal;
use crate::tasks::{Error, ListQuery, MAX_PAGE_SIZE, Sort, StatusFilter, get, list};

const SCHEME: &str = "tasks://";
const JSON: &str = "application/json";
/// Tasks in a list; `list_tasks` goes on with its `next_cursor`.
const MAX_TASKS: i64 = MAX_PAGE_SIZE;

pub const PENDING: &str = "tasks://pending";

const LISTS: [(&str, StatusFilter, &str); 3] = [
    ("pending", StatusFilter::Pending, "What is to be done"),
    ("completed", StatusFilter::Completed, "What is done"),
    ("all", StatusFilter::All, "Every task"),
];

pub fn lists() -> Vec<Resource> {
    let resource = |(name, _, description)| {
        let description = format!("{description}, newest first; the first {MAX_TASKS}");
        Resource::new(format!("{SCHEME}{name}"), name).with_description(description).with_mime_type(JSON)
    };
    LISTS.map(resource).into()
}

pub fn template() -> ResourceTemplate {
    ResourceTemplate::new("tasks://{id}", "task").with_description("One task").with_mime_type(JSON)
}

pub async fn read(pool: &PgPool, user_id: Uuid, uri: &str) -> Result<ResourceContents, ErrorData> {
    let missing = || ErrorData::resource_not_found("There is no such resource.", Some(json!({ "uri": uri })));
    let name = uri.strip_prefix(SCHEME).ok_or_else(missing)?;
    let text = if let Some((_, status, _)) = LISTS.into_iter().find(|list| list.0 == name) {
        let query = ListQuery { status, q: String::new(), sort: Sort::default(), limit: MAX_TASKS, cursor: None };
        text(&list(pool, user_id, &query).await.map_err(internal)?)?
    } else {
        let id = name.parse().map_err(|_| missing())?;
        match get(pool, user_id, id).await {
            Ok(task) => text(&task)?,
            Err(Error::NotFound) => return Err(missing()),
            Err(error) => return Err(internal(error)),
        }
    };
    Ok(ResourceContents::text(text, uri).with_mime_type(JSON))
}

fn text(value: &impl Serialize) -> Result<String, ErrorData> {
    serde_json::to_string(value).map_err(|error| internal(anyhow::Error::from(error)))
}
