use super::quota::QuotaReached;
use crate::validation::{FieldError, describe};

/// Why something about tasks was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// A file that cannot be read at all.
    #[error("{0}")]
    Malformed(String),
    /// The user has no such task.
    #[error("There is nothing here.")]
    NotFound,
    /// The task has another version than the caller accepts.
    #[error("The task was changed meanwhile; it is at version {version}.")]
    VersionMismatch { version: i32 },
    /// The user stores as much as they may.
    #[error(transparent)]
    QuotaReached(QuotaReached),
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        QuotaReached::from_refusal(&error).map_or(Self::Database(error), Self::QuotaReached)
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}
