use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    error::Failure,
    schema,
    tool::{TaskResult, Tool},
};
use crate::tasks::{Draft, MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS, create};

pub const TOOL: Tool = Tool {
    name: "add_task",
    title: "Add a task",
    description: "Adds a task to the user's list.",
    input: schema::input::<Arguments>,
    output: schema::output::<TaskResult>,
    read_only: false,
    destructive: false,
    idempotent: false,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// What is to be done, on one line.
    #[schemars(length(min = 1, max = MAX_TITLE_CHARACTERS))]
    title: String,
    /// Details.
    #[serde(default)]
    #[schemars(with = "String", length(max = MAX_DESCRIPTION_CHARACTERS))]
    description: Option<String>,
}

pub async fn run(connection: &mut PgConnection, user_id: Uuid, arguments: Arguments) -> Result<TaskResult, Failure> {
    let draft = Draft::new(&arguments.title, &arguments.description.unwrap_or_default())?;
    Ok(TaskResult { task: create(connection, user_id, &draft).await? })
}
