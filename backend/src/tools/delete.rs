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
use crate::tasks::{MAX_TITLE_CHARACTERS, Task, delete};

pub const TOOL: Tool = Tool {
    name: "delete_task",
    title: "Delete a task",
    description: "Deletes a task of the user and returns it as it was. Only for what the user wants gone: \
                  what is done is to be completed instead.",
    input: schema::input::<Arguments>,
    output: schema::output::<TaskResult>,
    read_only: false,
    destructive: true,
    // A second call may match another task, once the first has deleted the one with that title.
    idempotent: false,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of the task, or its title, or a part of the title that fits no other task.
    #[schemars(length(min = 1, max = MAX_TITLE_CHARACTERS))]
    task: String,
}

pub async fn find(connection: &mut PgConnection, user_id: Uuid, arguments: &Arguments) -> Result<Task, Failure> {
    lookup(connection, user_id, &arguments.task, None).await
}

/// Deletes this version of the task.
pub async fn run(connection: &mut PgConnection, user_id: Uuid, task: Task) -> Result<TaskResult, Failure> {
    delete(connection, user_id, task.id, Some(&[task.version])).await?;
    Ok(TaskResult { task })
}
