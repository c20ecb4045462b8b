//! The one error type of the HTTP service, and how it becomes `application/problem+json` (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Seconds a client should wait when the service cannot answer right now.
const RETRY_SECONDS: u64 = 2;

/// Why a request was not served. Causes of [`Error::Internal`] and [`Error::Database`] are logged, never returned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 422: the request is well-formed but breaks rules; each is named.
    #[error("{}", describe(.0))]
    Validation(Vec<FieldError>),
    /// 400: the request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// 401
    #[error("Sign in first, or send a valid bearer token.")]
    Unauthorized,
    /// 401 of sign-in: says the same for a wrong password and an unknown account.
    #[error("E-mail or password is wrong.")]
    InvalidCredentials,
    /// 403: an API token was used where only a signed-in person may act.
    #[error("An API token cannot manage the account. Sign in instead.")]
    SessionRequired,
    /// 403: a page of another origin tried to use the browser's cookie.
    #[error("This request came from a page of another origin.")]
    ForbiddenOrigin,
    /// 404: also for what belongs to another user.
    #[error("There is nothing here.")]
    NotFound,
    /// 405
    #[error("This method is not supported here.")]
    MethodNotAllowed,
    /// 409
    #[error("{}", describe(std::slice::from_ref(.0)))]
    Conflict(FieldError),
    /// 409: somebody, perhaps in another tab, is at work on the conversation.
    #[error("An answer has been in the making since {since}. Wait for it, or cancel it.")]
    TurnAtWork { since: String },
    /// 410: the events after this one are no longer kept.
    #[error("The events after this one are no longer kept. Fetch the conversation anew.")]
    EventsGone,
    /// 412: the task has another version by now.
    #[error("The task was changed meanwhile; it is at version {version}.")]
    PreconditionFailed { version: i32 },
    /// 413
    #[error("The request body is larger than {limit} bytes.")]
    PayloadTooLarge { limit: usize },
    /// 415
    #[error("Content-Type must be {0}.")]
    UnsupportedMediaType(&'static str),
    /// 422: the key belongs to another request.
    #[error("This Idempotency-Key was already used for a different request.")]
    IdempotencyKeyReused,
    /// 429
    #[error("Too many attempts. Try again in {retry_after} seconds.")]
    TooManyAttempts { retry_after: u64 },
    /// 429 of the chat.
    #[error("Too many messages in a minute. Try again in {retry_after} seconds.")]
    TooManyTurns { retry_after: u64 },
    /// 503: the chat needs a model.
    #[error(
        "The chat is not configured: the operator has to set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that needs \
         no key. Everything else works."
    )]
    ChatNotConfigured,
    /// 503: the database does not answer.
    #[error("The service cannot reach its database right now. Try again in a moment.")]
    Unavailable,
    /// 503: the request took too long and was given up.
    #[error("The request took too long and was given up. Try again in a moment.")]
    Timeout,
    /// 503 when the database is away, else 500.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// 500
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// A rule that a field breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Name of the field as the client sent it.
    pub field: String,
    /// The rule, readable after the field's name: "must be 1 to 200 characters".
    pub rule: String,
    /// Line of the CSV file, or number of the entry in the JSON array, counted from 1. Imports only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

impl FieldError {
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into(), line: None }
    }
}

/// Body of every error answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `title` is the status text, `code` tells errors apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    pub status: u16,
    /// Stable name of the error for programs.
    pub code: &'static str,
    /// One sentence for a person.
    pub detail: String,
    /// Names this request in the log.
    pub request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail,
            request_id: String::new(),
            errors: Vec::new(),
        }
    }
}

fn describe(errors: &[FieldError]) -> String {
    let sentence = |error: &FieldError| match error.line {
        Some(line) => format!("line {line}: {} {}", error.field, error.rule),
        None => format!("{} {}", error.field, error.rule),
    };
    match errors {
        [] => "Something in the request is not valid.".to_owned(),
        [only] => format!("{}.", sentence(only)),
        [first, rest @ ..] => format!("{}; and {} more.", sentence(first), rest.len()),
    }
}

impl Error {
    /// A single broken rule.
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Validation(vec![FieldError::new(field, rule)])
    }

    /// Status and code of the answer.
    pub fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Validation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "validation"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials"),
            Self::SessionRequired => (StatusCode::FORBIDDEN, "session_required"),
            Self::ForbiddenOrigin => (StatusCode::FORBIDDEN, "forbidden_origin"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::TurnAtWork { .. } => (StatusCode::CONFLICT, "turn_at_work"),
            Self::EventsGone => (StatusCode::GONE, "events_gone"),
            Self::PreconditionFailed { .. } => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::PayloadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::IdempotencyKeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::TooManyAttempts { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts"),
            Self::TooManyTurns { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_turns"),
            Self::ChatNotConfigured => (StatusCode::SERVICE_UNAVAILABLE, "chat_not_configured"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            Self::Database(error) if is_outage(error) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Database(_) | Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// What the client may read.
    pub fn detail(&self) -> String {
        match self.kind() {
            (_, "internal") => "Something went wrong on our side. The request id helps to find it in the log.".into(),
            (_, "unavailable") => Self::Unavailable.to_string(),
            _ => self.to_string(),
        }
    }

    /// Tells the operator what the client may not read.
    pub fn log(&self) {
        match self {
            Self::Database(error) if is_outage(error) => tracing::warn!(%error, "database away"),
            Self::Database(error) => tracing::error!(%error, "database error"),
            Self::Internal(error) => tracing::error!(error = format!("{error:#}"), "internal error"),
            _ => {}
        }
    }
}

impl IntoResponse for Error {
    /// Leaves the [`Problem`] in the response's extensions; [`super::request`] knows the request id and writes the body.
    fn into_response(self) -> Response {
        let (status, code) = self.kind();
        self.log();
        let mut problem = Problem::new(status, code, self.detail());
        problem.errors = match &self {
            Self::Validation(errors) => errors.clone(),
            Self::Conflict(error) => vec![error.clone()],
            _ => Vec::new(),
        };
        let mut response = status.into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooManyAttempts { retry_after } | Self::TooManyTurns { retry_after } => {
                headers.insert(header::RETRY_AFTER, retry_after.into());
            }
            Self::PreconditionFailed { version } => {
                headers.insert(header::ETAG, super::preconditions::etag(version));
            }
            Self::ChatNotConfigured => {}
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_SECONDS.into());
            }
            _ => {}
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// Whether the database is away or cannot take us, as opposed to having refused a statement.
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // 08: connection exception, 53: insufficient resources, 57P: shutting down or starting up.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("53") || code.starts_with("57P"))
        }
        _ => false,
    }
}

/// Turns the violation of a named constraint into a client error where the statement is made.
pub trait OnConstraint<T> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|cause| match &cause {
            sqlx::Error::Database(refusal) if refusal.constraint() == Some(name) => error(),
            _ => Error::Database(cause),
        })
    }
}
