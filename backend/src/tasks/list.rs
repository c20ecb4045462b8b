//! Listing: filter, search, sort, and keyset pagination that is stable while tasks come and go.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Status, Task};
use crate::{
    accounts::identity::Identity,
    http::{
        error::{Error, Result},
        extract::{Json, Query},
        paging::{decode_cursor, encode_cursor, search_text},
    },
    server::state::AppState,
};

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

pub const fn default_limit() -> i64 {
    50
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

    fn decode(text: &str, sort: Sort) -> Result<Self> {
        let invalid = || Error::invalid("cursor", "must be the next_cursor of a page with the same sort");
        let cursor: Self = decode_cursor(text).ok_or_else(invalid)?;
        let by_title = matches!(sort, Sort::Title | Sort::TitleDescending);
        let has_key = if by_title { cursor.title.is_some() } else { cursor.time.is_some() };
        let storable = cursor.title.as_ref().is_none_or(|title| !title.contains('\0'));
        let plausible = cursor.time.is_none_or(|time| (1..=9999).contains(&time.year()));
        if cursor.sort == sort && has_key && storable && plausible { Ok(cursor) } else { Err(invalid()) }
    }
}

/// Your tasks
#[utoipa::path(get, path = "/api/tasks", operation_id = "list_tasks", tag = "tasks", params(ListQuery), responses((status = 200, body = Page)))]
pub(super) async fn list(
    State(state): State<AppState>,
    identity: Identity,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page>> {
    page(&state.pool(), identity.user_id, &query).await.map(Json)
}

/// A page of a user's tasks.
pub async fn page(pool: &PgPool, user_id: Uuid, query: &ListQuery) -> Result<Page> {
    if !(1..=200).contains(&query.limit) {
        return Err(Error::invalid("limit", "must be 1 to 200"));
    }
    let search = search_text(&query.q)?;
    let cursor = query.cursor.as_deref().map(|cursor| Cursor::decode(cursor, query.sort)).transpose()?;
    // Both see the same tasks: clients add to the counts what events tell that is not in the list.
    let mut snapshot = pool.begin_with("begin isolation level repeatable read read only").await?;
    let mut tasks = after(&mut snapshot, user_id, query, search, cursor).await?;
    let more = tasks.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    if more {
        tasks.pop();
    }
    let next_cursor = tasks.last().filter(|_| more).map(|task| encode_cursor(&Cursor::after(task, query.sort)));
    let counts = count(&mut snapshot, user_id, search).await?;
    snapshot.commit().await?;
    Ok(Page { tasks, next_cursor, counts })
}

/// One task more than asked for, which tells whether there is another page.
async fn after(
    connection: &mut PgConnection,
    user_id: Uuid,
    query: &ListQuery,
    search: &str,
    cursor: Option<Cursor>,
) -> Result<Vec<Task>> {
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
            sqlx::query_as!(
                Task,
                r#"select id, title, description, status as "status!: Status", created_at, updated_at, completed_at, version
                   from tasks
                   where user_id = $1 and deleted_at is null
                     and ($2 = 'all' or status = $2)
                     and ($3 = '' or strpos(lower(title || chr(10) || description), lower($3)) > 0)
                     and ($5::uuid is null or ("# + $key + ", id) " + $after + " (" + $position + ", $5))
                   order by " + $key + " " + $direction + ", id " + $direction + " limit $6",
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

async fn count(connection: &mut PgConnection, user_id: Uuid, search: &str) -> Result<Counts> {
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
