use std::time::Duration;

use reqwest::{Response, StatusCode, header};
use secrecy::SecretString;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::timeout;

use super::refusal::{self, Refusal};
use crate::chat::message::{Failure, FailureCode};

/// How long to wait for the body of an error.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for which a server may ask us to wait. No turn lasts so long; a server may send any number.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);
/// Largest body of an error that is read.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Why there is no answer, or only a part of one. What the server wrote of it is shortened, because servers repeat keys
/// and messages.
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

    /// Nothing at all came.
    pub fn silent(limit: Duration) -> Self {
        let seconds = limit.as_secs();
        Self::new(
            FailureCode::ModelTimeout,
            format!(
                "The model did not begin to answer within {seconds} seconds. Try again. If it always needs longer, the operator can raise CHAT_TURN_TIMEOUT_SECONDS."
            ),
        )
    }

    pub async fn of_status(response: Response, key: Option<&SecretString>) -> Self {
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| seconds(value.to_str().ok()?));
        let body = timeout(BODY_TIMEOUT, read_body(response)).await.unwrap_or_default();
        let number = status.as_u16();
        tracing::debug!(
            status = number,
            body = refusal::without_key(&body, key),
            "the model's server refuses a request"
        );
        let Refusal { name, message } = Refusal::of_body(&body, key);
        let named = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let said = message.map(|message| format!(" It says: “{message}”")).unwrap_or_default();
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
                    "The model's server does not know the model or the address: status {number}{named}.{said} The operator has to check OPENAI_MODEL and OPENAI_BASE_URL."
                ),
            ),
            StatusCode::REQUEST_TIMEOUT => Self::unavailable(number, &named, &said),
            _ if status.is_server_error() => Self::unavailable(number, &named, &said),
            _ => Self::new(
                FailureCode::ModelRefused,
                format!("The model's server refuses the request: status {number}{named}.{said}"),
            ),
        };
        Self { status: Some(number), retry_after, ..error }
    }

    fn unavailable(status: u16, named: &str, said: &str) -> Self {
        let detail =
            format!("The model's server cannot answer right now: status {status}{named}.{said} Try again in a moment.");
        Self::new(FailureCode::ModelUnavailable, detail)
    }

    /// From an error object in place of the answer, or in the middle of it.
    pub fn in_stream(error: &Value, key: Option<&SecretString>) -> Self {
        let whole = error.to_string();
        tracing::debug!(error = refusal::without_key(&whole, key), "the model's server reports an error");
        let Refusal { name, message } = Refusal::of_error(error, key);
        let code = match name.as_deref() {
            Some(name) if name.contains("rate_limit") => FailureCode::ModelRateLimited,
            Some(name) if name.contains("invalid_request") => FailureCode::ModelRefused,
            _ => FailureCode::ModelUnavailable,
        };
        let named = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let said = message.map(|message| format!(" It says: “{message}”")).unwrap_or_default();
        Self::new(code, format!("The model's server reported an error instead of going on{named}.{said} Try again."))
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

/// The beginning of a body, as text.
async fn read_body(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY_BYTES {
            body.truncate(MAX_BODY_BYTES);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
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
}
