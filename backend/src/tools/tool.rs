use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

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

/// The task that a call would change, as it was when it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ToolTarget)]
pub struct Target {
    pub id: Uuid,
    pub title: String,
    pub version: i32,
}

impl From<Task> for Target {
    fn from(Task { id, title, version, .. }: Task) -> Self {
        Self { id, title, version }
    }
}

// Models read the next line as the description of the result.
/// The task as it is now; if it was deleted, as it was.
#[derive(Serialize, JsonSchema)]
pub struct TaskResult {
    pub task: Task,
}
