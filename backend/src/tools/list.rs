use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::{error::Failure, schema, tool::Tool};
use crate::{
    tasks::{DEFAULT_PAGE_SIZE, ListQuery, MAX_PAGE_SIZE, Page, Sort, StatusFilter, list},
    validation::text::MAX_SEARCH_CHARACTERS,
};

pub const TOOL: Tool = Tool {
    name: "list_tasks",
    title: "List tasks",
    description: "Lists the user's tasks, newest first, page by page, and counts those that match by status.",
    input: schema::input::<Arguments>,
    output: schema::output::<Page>,
    read_only: true,
    destructive: false,
    idempotent: true,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Which tasks; all when absent.
    #[serde(default)]
    #[schemars(with = "StatusFilter")]
    status: Option<StatusFilter>,
    /// Text to find in title or description, in any case and any Unicode form.
    #[serde(default)]
    #[schemars(with = "String", length(max = MAX_SEARCH_CHARACTERS))]
    q: Option<String>,
    /// Tasks a page; 50 when absent.
    #[serde(default)]
    #[schemars(with = "i64", range(min = 1, max = MAX_PAGE_SIZE))]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

pub async fn run(pool: &PgPool, user_id: Uuid, arguments: Arguments) -> Result<Page, Failure> {
    let query = ListQuery {
        status: arguments.status.unwrap_or_default(),
        q: arguments.q.unwrap_or_default(),
        sort: Sort::default(),
        limit: arguments.limit.unwrap_or(DEFAULT_PAGE_SIZE),
        cursor: arguments.cursor,
    };
    Ok(list(pool, user_id, &query).await?)
}
