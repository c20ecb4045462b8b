//! How errors of the service become errors of MCP.

use rmcp::ErrorData;

use crate::{http::error::Error, tools};

/// Reports an outage or a bug: it is logged, and the client reads no more of it than over the REST routes.
pub fn internal(error: impl Into<Error>) -> ErrorData {
    let error = error.into();
    error.log();
    ErrorData::internal_error(error.detail(), None)
}

impl From<tools::Error> for Error {
    fn from(error: tools::Error) -> Self {
        match error {
            tools::Error::Tasks(error) => error.into(),
            tools::Error::Database(error) => error.into(),
            tools::Error::Result(error) => Self::Internal(error.into()),
        }
    }
}
