use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    error::Failure,
    lookup::lookup,
    schema,
    tool::{TaskResult, Tool},
};
use crate::tasks::{Change, MAX_TITLE_CHARACTERS, Status, update};

pub const TOOL: Tool = Tool {
    name: "complete_task",
    title: "Complete a task",
    description: "Marks a task of the user as completed. One that is completed stays as it is.",
    input: schema::input::<Arguments>,
    output: schema::output::<TaskResult>,
    read_only: false,
    destructive: false,
    idempotent: true,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of the task, or its title, or a part of the title that fits no other task.
    #[schemars(length(min = 1, max = MAX_TITLE_CHARACTERS))]
    task: String,
}

pub async fn run(connection: &mut PgConnection, user_id: Uuid, arguments: Arguments) -> Result<TaskResult, Failure> {
    let task = lookup(&mut *connection, user_id, &arguments.task, Some(Status::Pending)).await?;
    let change = Change::of_status(Status::Completed);
    Ok(TaskResult { task: update(connection, user_id, task.id, None, &change).await? })
}
