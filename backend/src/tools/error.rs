//! Why a tool gave no result.

use serde::Serialize;
use uuid::Uuid;

use super::tool::Tool;
use crate::{
    tasks::{self, Status},
    validation::{FieldError, describe},
};

/// A refusal that a model can act on: why a tool did nothing, and what would help.
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

/// What distinguishes a task from others with a similar title.
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

    pub fn unknown_tool(name: &str, tools: impl Iterator<Item = &'static Tool>) -> Self {
        let tools: Vec<_> = tools.map(|tool| tool.name).collect();
        let name: String = name.chars().take(100).collect();
        Self::new("unknown_tool", format!("There is no tool `{name}`. There are: {}.", tools.join(", ")))
    }

    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = describe(&errors);
        Self { errors, ..Self::new("validation", detail) }
    }

    /// Arguments that are not even JSON.
    pub fn invalid_arguments(detail: String) -> Self {
        Self::new("invalid_arguments", detail)
    }

    pub fn not_found() -> Self {
        let errors = vec![FieldError::new("task", "must be the id or the title of a task")];
        Self { errors, ..Self::new("not_found", "There is no such task. list_tasks shows those there are.") }
    }

    pub fn quota_reached(detail: String) -> Self {
        Self::new("quota_reached", detail)
    }

    pub fn changed() -> Self {
        Self::new("changed", "The task was changed meanwhile, so this was not done. Look at it again first.")
    }

    pub fn ambiguous(candidates: Vec<Candidate>) -> Self {
        let detail = "Several tasks have that in their title. Say which one by its id; ask the user if in doubt.";
        Self { candidates, ..Self::new("ambiguous", detail) }
    }
}

/// An outage or a bug, about which a model can do nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Tasks(#[from] tasks::Error),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A result that JSON cannot express.
    #[error(transparent)]
    Result(#[from] serde_json::Error),
}

/// Why a tool gave no result.
pub enum Failure {
    Refused(ToolError),
    Broken(Error),
}

impl Failure {
    /// The failure of one task of many: `path` gives the place of a field in the arguments of the call.
    #[must_use]
    pub fn of_item(self, path: impl Fn(&str) -> String) -> Self {
        let Self::Refused(mut refusal) = self else { return self };
        for error in &mut refusal.errors {
            error.field = path(&error.field);
        }
        refusal.detail = match refusal.error {
            "validation" => describe(&refusal.errors),
            _ => format!("{}: {}", path("task"), refusal.detail),
        };
        Self::Refused(refusal)
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        vec![error].into()
    }
}

impl From<Vec<FieldError>> for Failure {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Refused(ToolError::validation(errors))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<tasks::Error> for Failure {
    fn from(error: tasks::Error) -> Self {
        match error {
            tasks::Error::Invalid(errors) => errors.into(),
            // The task has gone, or is another user's.
            tasks::Error::NotFound => Self::Refused(ToolError::not_found()),
            tasks::Error::VersionMismatch { .. } => Self::Refused(ToolError::changed()),
            tasks::Error::QuotaReached(_) => Self::Refused(ToolError::quota_reached(error.to_string())),
            error => Self::Broken(error.into()),
        }
    }
}
