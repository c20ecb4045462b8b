//! What a client reads when the server gave no answer: what happened, and what to do.

use reqwest::Url;
use rmcp::{ErrorData, ServiceError, transport::streamable_http_client::StreamableHttpError};
use serde::Deserialize;

/// The part of a problem that is for a person.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// The server's error, or why the server gave no answer.
pub fn error_data(error: ServiceError, url: &Url) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        error => {
            tracing::warn!(%error, "the server gave no answer");
            ErrorData::internal_error(describe(&error, url), None)
        }
    }
}

fn describe(error: &ServiceError, url: &Url) -> String {
    if error.auth_challenge().is_some() {
        return format!(
            "{url} does not accept TODO_TOKEN any more: it has expired or was revoked. Make a new API token on the \
             account page, and start this program with it."
        );
    }
    let ServiceError::TransportSend(error) = error else {
        return format!("The connection to {url} has ended. Start this program again.");
    };
    match error.error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(StreamableHttpError::HttpStatus(answer)) => {
            format!("{url} cannot answer right now (HTTP {}). Try again in a moment.", answer.status)
        }
        Some(StreamableHttpError::UnexpectedServerResponse(answer)) => {
            // It begins with the status, and ends with the body.
            let problem = answer.find('{').and_then(|start| serde_json::from_str::<Problem>(&answer[start..]).ok());
            let detail = problem.map_or_else(|| "It is not an answer of the application.".to_owned(), |it| it.detail);
            format!("{url} refused the request: {detail}")
        }
        Some(StreamableHttpError::Client(error)) if error.is_timeout() => {
            format!("{url} did not answer in time. What was asked may have been done: look before you try again.")
        }
        Some(StreamableHttpError::Client(error)) if error.is_connect() => {
            format!("{url} cannot be reached. Check that the application runs there, and try again.")
        }
        _ => format!("The connection to {url} failed. What was asked may have been done: look before you try again."),
    }
}
