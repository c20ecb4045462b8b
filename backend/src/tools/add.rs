use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::{One, Tool, refusal::Failure, schema};
use crate::tasks::{Draft, create};

pub const TOOL: Tool = Tool {
    name: "add_task",
    title: "Add a task",
    description: "Adds a task to the user's list.",
    input: schema::input::<Arguments>,
    output: schema::output::<One>,
    read_only: false,
    destructive: false,
    idempotent: false,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// What is to be done, on one line.
    #[schemars(length(min = 1, max = 200))]
    title: String,
    /// Details.
    #[serde(default)]
    #[schemars(with = "String", length(max = 1000))]
    description: Option<String>,
}

pub async fn run(pool: &PgPool, user_id: Uuid, arguments: Arguments) -> Result<One, Failure> {
    let draft = Draft::new(&arguments.title, &arguments.description.unwrap_or_default())?;
    Ok(One { task: create(pool, user_id, &draft).await? })
}
