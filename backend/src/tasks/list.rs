//! Listing: filter, search, sort, and keyset pagination that is stable while tasks come and go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    error::Error,
    task::{Status, Task},
};
use crate::{
    db::paging::{self, check_limit, decode_cursor, encode_cursor, is_comparable},
    validation::{FieldError, text::check_search},
};

/// Tasks on a page when the client asks for no number.
pub const DEFAULT_PAGE_SIZE: i64 = 50;
/// Tasks on a page at most.
pub const MAX_PAGE_SIZE: i64 = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatusFilter {
    #[default]
    All,
    Pending,
    Completed,
}

/// A leading `-` is descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Sort {
    #[default]
    #[serde(rename = "-created")]
    NewestFirst,
    #[serde(rename = "created")]
    OldestFirst,
    #[serde(rename = "-updated")]
    RecentlyUpdatedFirst,
    #[serde(rename = "updated")]
    RecentlyUpdatedLast,
    #[serde(rename = "title")]
    Title,
    #[serde(rename = "-title")]
    TitleDescending,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    #[serde(default)]
    #[param(inline)]
    pub status: StatusFilter,
    /// Text to find in title or description, in any case and any Unicode form.
    #[serde(default)]
    #[param(max_length = 200, pattern = r"^[^\x00]*$")]
    pub q: String,
    #[serde(default)]
    #[param(inline)]
    pub sort: Sort,
    /// Tasks a page.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: i64,
    /// `next_cursor` of the page before, with the same `sort`.
    pub cursor: Option<String>,
}

const fn default_limit() -> i64 {
    DEFAULT_PAGE_SIZE
}

#[derive(Debug, Serialize, ToSchema, JsonSchema)]
pub struct Page {
    pub tasks: Vec<Task>,
    /// `null` on the last page.
    pub next_cursor: Option<String>,
    pub counts: Counts,
}

impl Page {
    /// Leaves the first tasks of a page with this order; the next page begins after them.
    pub fn truncate(&mut self, length: usize, sort: Sort) {
        if length < self.tasks.len() {
            self.tasks.truncate(length);
            self.next_cursor = self.tasks.last().map(|task| encode_cursor(&Cursor::after(task, sort)));
        }
    }
}

/// How many tasks match the search, by status.
#[derive(Debug, Serialize, ToSchema, JsonSchema)]
pub struct Counts {
    pub all: i64,
    pub pending: i64,
    pub completed: i64,
}

/// The place after a task in a sort order.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: Sort,
    id: Uuid,
    /// Only for orders by time.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    time: Option<OffsetDateTime>,
    /// Only for orders by title: the task's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

impl Cursor {
    fn after(task: &Task, sort: Sort) -> Self {
        let (time, title) = match sort {
            Sort::NewestFirst | Sort::OldestFirst => (Some(task.created_at), None),
            Sort::RecentlyUpdatedFirst | Sort::RecentlyUpdatedLast => (Some(task.updated_at), None),
            Sort::Title | Sort::TitleDescending => (None, Some(task.title.clone())),
        };
        Self { sort, id: task.id, time, title }
    }

    fn decode(text: &str, sort: Sort) -> Result<Self, FieldError> {
        let invalid = || FieldError::new("cursor", "must be the next_cursor of a page with the same sort");
        let cursor: Self = decode_cursor(text).ok_or_else(invalid)?;
        let by_title = matches!(sort, Sort::Title | Sort::TitleDescending);
        let has_key = if by_title { cursor.title.is_some() } else { cursor.time.is_some() };
        let storable = cursor.title.as_ref().is_none_or(|title| !title.contains('\0'));
        let comparable = cursor.time.is_none_or(is_comparable);
        if cursor.sort == sort && has_key && storable && comparable { Ok(cursor) } else { Err(invalid()) }
    }
}

/// A row of a page. The row of a page without tasks has the counts alone.
struct Row {
    id: Option<Uuid>,
    title: Option<String>,
    description: Option<String>,
    status: Option<Status>,
    created_at: Option<OffsetDateTime>,
    updated_at: Option<OffsetDateTime>,
    completed_at: Option<OffsetDateTime>,
    version: Option<i32>,
    pending: i64,
    completed: i64,
}

impl Row {
    fn task(self) -> Option<Task> {
        Some(Task {
            id: self.id?,
            title: self.title?,
            description: self.description?,
            status: self.status?,
            created_at: self.created_at?,
            updated_at: self.updated_at?,
            completed_at: self.completed_at,
            version: self.version?,
        })
    }
}

/// A statement that gives rows of a page. `COLUMNS` stands for those of a task, which the row of an empty page lacks.
macro_rules! query_rows {
    ([$($before:tt)*] COLUMNS [$($after:tt)*], $($arguments:tt)*) => {
        sqlx::query_as!(
            Row,
            $($before)*
                + r#" tasks.id as "id?", title as "title?", description as "description?", status as "status?: Status",
                     tasks.created_at as "created_at?", updated_at as "updated_at?", completed_at as "completed_at?",
                     version as "version?", "#
                + $($after)*,
            $($arguments)*
        )
    };
}

/// A page of a user's tasks. Page and counts are of one moment, because they are of one statement: clients add to the
/// counts the events about tasks that are not listed.
pub async fn list(executor: impl PgExecutor<'_>, user_id: Uuid, query: &ListQuery) -> Result<Page, Error> {
    check_limit(query.limit, MAX_PAGE_SIZE)?;
    let search = check_search(&query.q)?;
    let cursor = query.cursor.as_deref().map(|cursor| Cursor::decode(cursor, query.sort)).transpose()?;
    let rows = if search.is_empty() {
        page(executor, user_id, query, cursor).await?
    } else {
        search_page(executor, user_id, query, search, cursor).await?
    };
    // There is no row at all if the user was deleted meanwhile.
    let (pending, completed) = rows.first().map_or((0, 0), |row| (row.pending, row.completed));
    let tasks = rows.into_iter().filter_map(Row::task).collect();
    let paging::Page { rows, next_cursor } =
        paging::Page::new(tasks, query.limit, |task| Cursor::after(task, query.sort));
    Ok(Page { tasks: rows, next_cursor, counts: Counts { all: pending + completed, pending, completed } })
}

/// Runs `$page!` with the sort key of the query, the direction, and the place before the first task, which cannot be
/// parameters of a statement.
macro_rules! by_sort {
    ($page:ident, $sort:expr, $cursor:expr) => {{
        let (time, title) = $cursor.as_ref().map_or((None, None), |cursor| (cursor.time, cursor.title.as_deref()));
        match $sort {
            Sort::NewestFirst => $page!("created_at" "desc" "<" "coalesce($2::timestamptz, 'infinity')", time),
            Sort::OldestFirst => $page!("created_at" "asc" ">" "coalesce($2::timestamptz, '-infinity')", time),
            Sort::RecentlyUpdatedFirst => $page!("updated_at" "desc" "<" "coalesce($2::timestamptz, 'infinity')", time),
            Sort::RecentlyUpdatedLast => $page!("updated_at" "asc" ">" "coalesce($2::timestamptz, '-infinity')", time),
            Sort::Title => $page!("title_key" "asc" ">" "coalesce(lower($2::text), '')", title),
            // Longer than any title, of the last character of Unicode.
            Sort::TitleDescending => {
                $page!("title_key" "desc" "<" "coalesce(lower($2::text), repeat(chr(1114111), 201))", title)
            }
        }
    }};
}

/// The id in the place of a cursor, or the one before or after all others.
const fn id_in_place(cursor: Option<&Cursor>, sort: Sort) -> Uuid {
    match (cursor, sort) {
        (Some(cursor), _) => cursor.id,
        (None, Sort::OldestFirst | Sort::RecentlyUpdatedLast | Sort::Title) => Uuid::nil(),
        (None, Sort::NewestFirst | Sort::RecentlyUpdatedFirst | Sort::TitleDescending) => Uuid::max(),
    }
}

/// The tasks after the cursor, one more than the page holds. What it costs does not depend on how many tasks there are:
/// each status is read from its own index, in the order of the page, and triggers keep the counts.
async fn page(
    executor: impl PgExecutor<'_>,
    user_id: Uuid,
    query: &ListQuery,
    cursor: Option<Cursor>,
) -> sqlx::Result<Vec<Row>> {
    let id = id_in_place(cursor.as_ref(), query.sort);
    let (pending, completed) = (query.status != StatusFilter::Completed, query.status != StatusFilter::Pending);
    // Each part has its own order and limit, without which the planner may sort all tasks.
    macro_rules! page {
        ($key:tt $direction:tt $after:tt $position:tt, $value:expr) => {
            query_rows!(
                ["select"] COLUMNS [r#"pending_count as pending, completed_count as completed
                   from users left join lateral (
                     (select * from tasks
                      where user_id = $1 and deleted_at is null and status = 'pending' and $5
                        and ("# + $key + ", id) " + $after + " (" + $position + ", $3)
                      order by " + $key + " " + $direction + ", id " + $direction + " limit $4)
                     union all
                     (select * from tasks
                      where user_id = $1 and deleted_at is null and status = 'completed' and $6
                        and (" + $key + ", id) " + $after + " (" + $position + ", $3)
                      order by " + $key + " " + $direction + ", id " + $direction + " limit $4)
                     order by " + $key + " " + $direction + ", id " + $direction + " limit $4
                   ) as tasks on true
                   where users.id = $1
                   order by tasks." + $key + " " + $direction + ", tasks.id " + $direction],
                user_id,
                $value,
                id,
                query.limit + 1,
                pending,
                completed
            )
            .fetch_all(executor)
            .await
        };
    }
    by_sort!(page, query.sort, cursor)
}

/// The tasks after the cursor among those that have a text, one more than the page holds. All that have it are counted,
/// so they are found once for both. An index of the groups of three letters finds them, if the database has its
/// extension. Without such a group, the index would be read as a whole and all tasks besides, which PostgreSQL does not
/// know when it plans a prepared statement: it cannot choose the index for a condition that `is true`.
async fn search_page(
    executor: impl PgExecutor<'_>,
    user_id: Uuid,
    query: &ListQuery,
    search: &str,
    cursor: Option<Cursor>,
) -> sqlx::Result<Vec<Row>> {
    let id = id_in_place(cursor.as_ref(), query.sort);
    let status = match query.status {
        StatusFilter::All => None,
        StatusFilter::Pending => Some(Status::Pending.as_str()),
        StatusFilter::Completed => Some(Status::Completed.as_str()),
    };
    let has_trigram = search.split(|c: char| !c.is_alphanumeric()).any(|word| word.chars().count() >= 3);
    let search = format!("%{}%", escape_like(search));
    macro_rules! statement {
        ($is_found:tt, $key:tt $direction:tt $after:tt $position:tt, $value:expr) => {
            query_rows!(
                ["with found as materialized (
                     select id, status, " + $key + " as key from tasks
                     where user_id = $1 and deleted_at is null and " + $is_found + "
                   ), counts as (
                     select count(*) filter (where status = 'pending') as pending,
                       count(*) filter (where status = 'completed') as completed from found
                   ), page as (
                     select id, key from found
                     where ($5::text is null or status = $5) and (key, id) " + $after + " (" + $position + r#", $3)
                     order by key "# + $direction + ", id " + $direction + r#" limit $4
                   )
                   select"#] COLUMNS [r#"pending as "pending!", completed as "completed!"
                   from counts left join (page join tasks using (id)) on true
                   order by key "# + $direction + ", tasks.id " + $direction],
                user_id,
                $value,
                id,
                query.limit + 1,
                status,
                search
            )
            .fetch_all(executor)
            .await
        };
    }
    macro_rules! page {
        ($($order:tt)*) => {
            if has_trigram {
                statement!("search_text like lower(normalize($6))", $($order)*)
            } else {
                statement!("(search_text like lower(normalize($6))) is true", $($order)*)
            }
        };
    }
    by_sort!(page, query.sort, cursor)
}

/// The text as it is written in a pattern of `like`.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
