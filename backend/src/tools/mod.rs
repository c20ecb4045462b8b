//! The tools, defined once for the chat and for MCP clients, on the functions that the REST routes use.
//!
//! Whose tasks they work on is never an argument: the caller says it, from a session or a token.

mod add;
mod complete;
mod delete;
mod list;
mod lookup;
mod refusal;
mod schema;
mod update;

pub use refusal::{Candidate, ToolError};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use self::refusal::Failure;
use crate::{
    http::{error::Result, extract::from_value},
    server::state::AppState,
    tasks::Task,
};

/// One tool: what a model is told of it.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// JSON schema of the arguments.
    pub input: fn() -> Map<String, Value>,
    /// JSON schema of the result.
    pub output: fn() -> Map<String, Value>,
    pub read_only: bool,
    /// Loses something: a task, or the text that it had.
    pub destructive: bool,
    pub idempotent: bool,
}

pub const TOOLS: &[Tool] = &[add::TOOL, list::TOOL, complete::TOOL, update::TOOL, delete::TOOL];

pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// Who has the model that calls.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Chat,
    Mcp,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Mcp => "mcp",
        }
    }
}

/// Calls a tool. A [`ToolError`] is a refusal on which a model can act; an [`Error`](crate::Error) is an outage or a
/// bug.
pub async fn call(
    state: &AppState,
    source: Source,
    user_id: Uuid,
    name: &str,
    arguments: Value,
) -> Result<Result<Value, ToolError>> {
    let outcome = run(state, user_id, name, arguments).await;
    let result = match &outcome {
        Ok(_) => "ok",
        Err(Failure::Refused(refusal)) => refusal.error,
        Err(Failure::Broken(_)) => "failed",
    };
    // Models invent names; labels must not multiply with them.
    let tool = find(name).map_or("unknown", |tool| tool.name);
    state.metrics.tool_calls.with_label_values(&[tool, result, source.as_str()]).inc();
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(Failure::Broken(error)) => Err(error),
    }
}

async fn run(state: &AppState, user_id: Uuid, name: &str, arguments: Value) -> Result<Value, Failure> {
    let pool = state.pool();
    match name {
        "add_task" => value(&add::run(&pool, user_id, read(arguments)?).await?),
        "list_tasks" => value(&list::run(&pool, user_id, read(arguments)?).await?),
        "complete_task" => value(&complete::run(&pool, user_id, read(arguments)?).await?),
        "update_task" => value(&update::run(&pool, user_id, read(arguments)?).await?),
        "delete_task" => value(&delete::run(&pool, user_id, read(arguments)?).await?),
        _ => Err(Failure::Refused(ToolError::unknown_tool(name))),
    }
}

/// The task as it is now; if it was deleted, as it was.
#[derive(Serialize, JsonSchema)]
struct One {
    task: Task,
}

fn read<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T, Failure> {
    // No arguments at all are what some models send for a tool that needs none.
    let arguments = if arguments.is_null() { Value::Object(Map::new()) } else { arguments };
    from_value(arguments).map_err(|mut error| {
        if error.field == "body" {
            "arguments".clone_into(&mut error.field);
        }
        Failure::from(vec![error])
    })
}

fn value(result: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(result).map_err(|error| Failure::Broken(anyhow::Error::from(error).into()))
}
