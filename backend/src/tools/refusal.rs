//! Refusals that a model can act on.

use serde::Serialize;
use uuid::Uuid;

use super::TOOLS;
use crate::{
    http::error::{Error, FieldError},
    tasks::Status,
};

/// Why a tool did nothing, and what would help.
#[derive(Clone, Debug, Serialize)]
pub struct ToolError {
    /// Stable name of the error.
    pub error: &'static str,
    /// One sentence.
    pub detail: String,
    /// The arguments that break a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The tasks that could be meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

/// A task as far as is needed to tell it from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    pub id: Uuid,
    pub title: String,
    pub status: Status,
}

impl ToolError {
    fn new(error: &'static str, detail: impl Into<String>) -> Self {
        Self { error, detail: detail.into(), errors: Vec::new(), candidates: Vec::new() }
    }

    pub fn unknown_tool(name: &str) -> Self {
        let tools: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        let name: String = name.chars().take(100).collect();
        Self::new("unknown_tool", format!("There is no tool `{name}`. There are: {}.", tools.join(", ")))
    }

    pub fn not_found() -> Self {
        let errors = vec![FieldError::new("task", "must be the id or the title of a task")];
        Self { errors, ..Self::new("not_found", "There is no such task. list_tasks shows those there are.") }
    }

    pub fn ambiguous(candidates: Vec<Candidate>) -> Self {
        let detail = "Several tasks have that in their title. Say which one by its id; ask the user if in doubt.";
        Self { candidates, ..Self::new("ambiguous", detail) }
    }
}

/// Why a tool gave no result.
pub enum Failure {
    Refused(ToolError),
    /// An outage or a bug.
    Broken(Error),
}

impl From<Vec<FieldError>> for Failure {
    fn from(errors: Vec<FieldError>) -> Self {
        Error::Validation(errors).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Validation(errors) => Self::Refused(ToolError { errors, ..ToolError::new("validation", detail) }),
            // Whatever looks for a task says this of one that has gone, or is another user's.
            Error::NotFound => Self::Refused(ToolError::not_found()),
            _ => Self::Broken(error),
        }
    }
}
