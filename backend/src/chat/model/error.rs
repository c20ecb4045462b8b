use std::time::Duration;

use reqwest::{Response, StatusCode, header};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::timeout;

use crate::chat::message::{Failure, FailureCode};

/// How long to wait for the body of an error.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for which a server may ask us to wait. No turn lasts so long; a server may send any number.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);
/// Largest body of an error that is read.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Why there is no answer, or only a part of one. Of what the server wrote it has only the status and a code, because
/// servers repeat keys and messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ModelError {
    pub code: FailureCode,
    pub detail: String,
    pub status: Option<u16>,
    pub retry_after: Option<Duration>,
}

impl ModelError {
    /// The codes that an error of a model may have.
    pub const CODES: [FailureCode; 5] = [
        FailureCode::ModelUnavailable,
        FailureCode::ModelRefused,
        FailureCode::ModelRateLimited,
        FailureCode::ModelTimeout,
        FailureCode::ModelBroken,
    ];

    fn new(code: FailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), status: None, retry_after: None }
    }

    pub fn broken(detail: &str) -> Self {
        Self::new(FailureCode::ModelBroken, detail)
    }

    pub fn stalled() -> Self {
        Self::new(FailureCode::ModelTimeout, "The model stopped in the middle of its answer. Try again.")
    }

    pub async fn of_status(response: Response) -> Self {
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| seconds(value.to_str().ok()?));
        let name = timeout(BODY_TIMEOUT, error_name(response)).await.ok().flatten();
        let named = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let number = status.as_u16();
        let error = match status {
            // A used-up quota does not come back by waiting.
            StatusCode::TOO_MANY_REQUESTS if name.as_deref() == Some("insufficient_quota") => {
                Self::new(FailureCode::ModelRefused, "The account at the model's provider has no quota left.")
            }
            StatusCode::TOO_MANY_REQUESTS => Self::new(
                FailureCode::ModelRateLimited,
                match retry_after {
                    Some(wait) => {
                        format!("The model has too much to do. Try again in {} seconds.", wait.as_secs().max(1))
                    }
                    None => "The model has too much to do. Try again in a moment.".into(),
                },
            ),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::new(
                FailureCode::ModelRefused,
                format!(
                    "The model's server refuses our key: status {number}{named}. The operator has to check OPENAI_API_KEY."
                ),
            ),
            StatusCode::NOT_FOUND => Self::new(
                FailureCode::ModelRefused,
                format!(
                    "The model's server does not know the model or the address: status {number}{named}. The operator has to check OPENAI_MODEL and OPENAI_BASE_URL."
                ),
            ),
            StatusCode::REQUEST_TIMEOUT => Self::unavailable(number, &named),
            _ if status.is_server_error() => Self::unavailable(number, &named),
            _ => Self::new(
                FailureCode::ModelRefused,
                format!("The model's server refuses the request: status {number}{named}."),
            ),
        };
        Self { status: Some(number), retry_after, ..error }
    }

    fn unavailable(status: u16, named: &str) -> Self {
        let detail =
            format!("The model's server cannot answer right now: status {status}{named}. Try again in a moment.");
        Self::new(FailureCode::ModelUnavailable, detail)
    }

    /// From an error object in place of the answer, or in the middle of it.
    pub fn in_stream(error: &Value) -> Self {
        let name = safe_name(error);
        let code = match name.as_deref() {
            Some(name) if name.contains("rate_limit") => FailureCode::ModelRateLimited,
            Some(name) if name.contains("invalid_request") => FailureCode::ModelRefused,
            _ => FailureCode::ModelUnavailable,
        };
        let named = name.map(|name| format!(" ({name})")).unwrap_or_default();
        Self::new(code, format!("The model's server reported an error instead of going on{named}. Try again."))
    }

    pub fn filtered() -> Self {
        Self::new(FailureCode::ModelRefused, "The model's provider held the answer back for its content.")
    }

    /// The name in metrics and in the log.
    pub const fn kind(&self) -> &'static str {
        self.code.as_str()
    }

    pub fn is_transient(&self) -> bool {
        matches!(self.code, FailureCode::ModelUnavailable | FailureCode::ModelRateLimited)
    }
}

/// A request that got no answer, or a connection that broke in the middle of it.
impl From<reqwest::Error> for ModelError {
    fn from(error: reqwest::Error) -> Self {
        // The address is removed, because only the operator needs to know it.
        tracing::debug!(error = %error.without_url(), "the connection to the model failed");
        let detail = "The model's server cannot be reached, or the connection to it broke. Try again in a moment.";
        Self::new(FailureCode::ModelUnavailable, detail)
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::new(error.code, error.detail)
    }
}

async fn error_name(mut response: Response) -> Option<String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY_BYTES {
            return None;
        }
    }
    let body: Value = serde_json::from_slice(&body).ok()?;
    safe_name(body.get("error")?)
}

/// The server's name for its error, such as `model_not_found`, which helps to find the cause. It is taken only in a
/// form that neither keys nor texts have.
fn safe_name(error: &Value) -> Option<String> {
    ["code", "type"].iter().find_map(|field| {
        let name = error.get(field)?.as_str()?;
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        (plain && (1..=40).contains(&name.len())).then(|| name.to_owned())
    })
}

/// Reads `Retry-After`, which is a number of seconds or a date. A longer time than the longest is the longest.
fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        (date - OffsetDateTime::now_utc()).try_into().unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(seconds("7"), Some(Duration::from_secs(7)));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(seconds("Fri, 31 Dec 2100 23:59:59 GMT") > Some(Duration::from_hours(1)));
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn retry_after_is_bounded() {
        for value in [
            "86401",
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Fri, 31 Dec 9999 23:59:59 -2359",
        ] {
            assert_eq!(seconds(value), Some(MAX_RETRY_AFTER), "{value}");
        }
        for value in ["Mon, 01 Jan 1900 00:00:00 +2359", "0"] {
            assert_eq!(seconds(value), Some(Duration::ZERO), "{value}");
        }
        // The form of a date has no years before 1900.
        for value in ["Mon, 01 Jan 0001 00:00:00 GMT", "-1", "1.5", "1e9", ""] {
            assert_eq!(seconds(value), None, "{value}");
        }
    }

    #[test]
    fn only_plain_names_are_repeated() {
        assert_eq!(safe_name(&json!({ "code": "model_not_found" })).as_deref(), Some("model_not_found"));
        assert_eq!(safe_name(&json!({ "code": null, "type": "server_error" })).as_deref(), Some("server_error"));
        for name in ["sk-abc", "Incorrect API key", "", "key1"] {
            assert_eq!(safe_name(&json!({ "code": name })), None, "{name}");
        }
    }
}
