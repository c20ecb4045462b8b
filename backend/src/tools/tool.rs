use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::tasks::Task;

/// One tool, as it is described to a model.
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
    /// Whether something is lost: a task, or the text that it had.
    pub destructive: bool,
    pub idempotent: bool,
}

// Models read the next line as the description of the result.
/// The task as it is now; if it was deleted, as it was.
#[derive(Serialize, JsonSchema)]
pub struct TaskResult {
    pub task: Task,
}
