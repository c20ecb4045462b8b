use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::{One, Tool, lookup::lookup, refusal::Failure, schema};
use crate::{
    http::preconditions::IfMatch,
    tasks::{Change, Status, update},
};

pub const TOOL: Tool = Tool {
    name: "complete_task",
    title: "Complete a task",
    description: "Marks a task of the user as completed. One that is completed stays as it is.",
    input: schema::input::<Arguments>,
    output: schema::output::<One>,
    read_only: false,
    destructive: false,
    idempotent: true,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of the task, or its title, or a part of the title that fits no other task.
    #[schemars(length(min = 1, max = 200))]
    task: String,
}

pub async fn run(pool: &PgPool, user_id: Uuid, arguments: Arguments) -> Result<One, Failure> {
    let task = lookup(pool, user_id, &arguments.task, Some(Status::Pending)).await?;
    let change = Change { status: Some(Status::Completed), ..Change::default() };
    Ok(One { task: update(pool, user_id, task.id, &IfMatch(None), &change).await? })
}
