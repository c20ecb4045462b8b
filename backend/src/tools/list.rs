use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::{error::Failure, schema, tokens::Estimate, tool::Tool};
use crate::{
    tasks::{Counts, DEFAULT_PAGE_SIZE, ListQuery, MAX_PAGE_SIZE, Page, Sort, StatusFilter, Task, list},
    validation::text::MAX_SEARCH_CHARACTERS,
};

/// Most tokens of the tasks in one result. The chat would cut what has more than 8,000 in the middle of a task. The
/// largest task has half of it.
const MAX_TASKS_TOKENS: usize = 7_500;

pub const TOOL: Tool = Tool {
    name: "list_tasks",
    title: "List tasks",
    description: "Lists the user's tasks, newest first, page by page, and counts those that match by status. \
                  There are more while the result has `next_cursor`.",
    input: schema::input::<Arguments>,
    output: schema::output::<Listing>,
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
    /// Tasks a page at most; 50 when absent. A page of long tasks has fewer.
    #[serde(default)]
    #[schemars(with = "i64", range(min = 1, max = MAX_PAGE_SIZE))]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Listing {
    tasks: Vec<Task>,
    /// Absent on the last page.
    next_cursor: Option<String>,
    counts: Counts,
}

pub async fn run(pool: &PgPool, user_id: Uuid, arguments: Arguments) -> Result<Listing, Failure> {
    let query = ListQuery {
        status: arguments.status.unwrap_or_default(),
        q: arguments.q.unwrap_or_default(),
        sort: Sort::default(),
        limit: arguments.limit.unwrap_or(DEFAULT_PAGE_SIZE),
        cursor: arguments.cursor,
    };
    let mut page = list(pool, user_id, &query).await?;
    page.truncate(fitting(&page.tasks)?, query.sort);
    let Page { tasks, next_cursor, counts } = page;
    Ok(Listing { tasks, next_cursor, counts })
}

/// How many of the first tasks fit into a result, at least one.
fn fitting(tasks: &[Task]) -> Result<usize, Failure> {
    let mut estimate = Estimate::default();
    for (number, task) in tasks.iter().enumerate() {
        estimate.add(&serde_json::to_string(task).map_err(|error| Failure::Broken(error.into()))?);
        if estimate.tokens() > MAX_TASKS_TOKENS {
            return Ok(number.max(1));
        }
    }
    Ok(tasks.len())
}
