//! Listing: filter, search, sort, and keyset pagination that is stable while tasks come and go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    error::Error,
    task::{Task, query_tasks},
};
use crate::{
    db::paging::{self, check_limit, decode_cursor, is_comparable},
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
    /// Text to find in title or description, in any case.
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

/// A page of a user's tasks.
pub async fn list(pool: &PgPool, user_id: Uuid, query: &ListQuery) -> Result<Page, Error> {
    check_limit(query.limit, MAX_PAGE_SIZE)?;
    let search = check_search(&query.q)?;
    let cursor = query.cursor.as_deref().map(|cursor| Cursor::decode(cursor, query.sort)).transpose()?;
    // The page and its counts are of one moment: clients add to the counts the events about tasks that are not listed.
    let mut snapshot = pool.begin_with("begin isolation level repeatable read read only").await?;
    let tasks = after(&mut snapshot, user_id, query, search, cursor).await?;
    let counts = count(&mut snapshot, user_id, search).await?;
    snapshot.commit().await?;
    let paging::Page { rows, next_cursor } =
        paging::Page::new(tasks, query.limit, |task| Cursor::after(task, query.sort));
    Ok(Page { tasks: rows, next_cursor, counts })
}

/// The tasks after the cursor, one more than the page holds.
async fn after(
    connection: &mut PgConnection,
    user_id: Uuid,
    query: &ListQuery,
    search: &str,
    cursor: Option<Cursor>,
) -> Result<Vec<Task>, Error> {
    let status = match query.status {
        StatusFilter::All => "all",
        StatusFilter::Pending => "pending",
        StatusFilter::Completed => "completed",
    };
    let id = cursor.as_ref().map(|cursor| cursor.id);
    let (time, title) = cursor.map_or((None, None), |cursor| (cursor.time, cursor.title));
    // The statements differ only in the sort key and its direction, which cannot be parameters of a statement.
    macro_rules! page {
        ($key:tt $after:tt $position:tt, $direction:tt, $value:expr) => {
            query_tasks!(
                "select"
                    + COLUMNS
                    + "from tasks
                   where user_id = $1 and deleted_at is null
                     and ($2 = 'all' or status = $2)
                     and ($3 = '' or strpos(lower(title || chr(10) || description), lower($3)) > 0)
                     and ($5::uuid is null or ("
                    + $key
                    + ", id) "
                    + $after
                    + " ("
                    + $position
                    + ", $5))
                   order by "
                    + $key
                    + " "
                    + $direction
                    + ", id "
                    + $direction
                    + " limit $6",
                user_id,
                status,
                search,
                $value,
                id,
                query.limit + 1
            )
            .fetch_all(&mut *connection)
            .await
        };
    }
    let tasks = match query.sort {
        Sort::NewestFirst => page!("created_at" "<" "$4::timestamptz", "desc", time),
        Sort::OldestFirst => page!("created_at" ">" "$4::timestamptz", "asc", time),
        Sort::RecentlyUpdatedFirst => page!("updated_at" "<" "$4::timestamptz", "desc", time),
        Sort::RecentlyUpdatedLast => page!("updated_at" ">" "$4::timestamptz", "asc", time),
        Sort::Title => page!("title_key" ">" "lower($4::text)", "asc", title),
        Sort::TitleDescending => page!("title_key" "<" "lower($4::text)", "desc", title),
    };
    Ok(tasks?)
}

async fn count(connection: &mut PgConnection, user_id: Uuid, search: &str) -> Result<Counts, Error> {
    let counts = sqlx::query_as!(
        Counts,
        r#"select count(*) as "all!", count(*) filter (where status = 'pending') as "pending!",
             count(*) filter (where status = 'completed') as "completed!"
           from tasks where user_id = $1 and deleted_at is null
             and ($2 = '' or strpos(lower(title || chr(10) || description), lower($2)) > 0)"#,
        user_id,
        search
    )
    .fetch_one(connection)
    .await?;
    Ok(counts)
}
