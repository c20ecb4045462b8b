//! Why a request was not served, and the problem that the client reads. The errors of the features are converted into
//! this one in their `routes`.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::problem::Problem;
use crate::{
    db::{idempotency, is_of_deleted_user, is_outage, is_timeout},
    validation::{FieldError, describe},
};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Seconds a client should wait when the service cannot answer right now.
const RETRY_AFTER_SECONDS: u64 = 2;

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
    /// 409: the user has as many of something as a user may have.
    #[error("{}", describe(std::slice::from_ref(.0)))]
    QuotaReached(FieldError),
    /// 413
    #[error("The request body is larger than {limit} bytes.")]
    PayloadTooLarge { limit: usize },
    /// 415
    #[error("Content-Type must be {0}.")]
    UnsupportedMediaType(&'static str),
    /// 422: the key belongs to another request.
    #[error("This Idempotency-Key was already used for a different request.")]
    IdempotencyKeyReused,
    /// 503: the database does not answer.
    #[error("The service cannot reach its database right now. Try again in a moment.")]
    Unavailable,
    /// 503: the request took too long and was given up.
    #[error("The request took too long and was given up. Try again in a moment.")]
    Timeout,
    /// A problem that only one feature has.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// 503 when the database is unavailable or the statement took too long, 401 when the user was deleted meanwhile,
    /// else 500.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// 500
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// A single broken rule.
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        FieldError::new(field, rule).into()
    }

    /// What the client may read.
    pub fn detail(&self) -> String {
        match self {
            Self::Database(error) if is_outage(error) => Self::Unavailable.to_string(),
            Self::Database(error) if is_of_deleted_user(error) => Self::Unauthorized.to_string(),
            Self::Database(error) if is_timeout(error) => Self::Timeout.to_string(),
            Self::Database(_) | Self::Internal(_) => {
                "Something went wrong on our side. The request id helps to find it in the log.".into()
            }
            _ => self.to_string(),
        }
    }

    /// Logs what the client may not read.
    pub fn log(&self) {
        match self {
            Self::Database(error) if is_outage(error) => tracing::warn!(%error, "database away"),
            Self::Database(error) if is_of_deleted_user(error) => {}
            Self::Database(error) if is_timeout(error) => tracing::warn!(%error, "database statement took too long"),
            Self::Database(error) => tracing::error!(%error, "database error"),
            Self::Internal(error) => tracing::error!(error = format!("{error:#}"), "internal error"),
            _ => {}
        }
    }

    fn into_problem(self) -> Problem {
        let detail = self.detail();
        let problem = |status, code| Problem::new(status, code, detail);
        match self {
            Self::Problem(problem) => *problem,
            Self::Validation(errors) => problem(StatusCode::UNPROCESSABLE_ENTITY, "validation").with_errors(errors),
            Self::BadRequest(_) => problem(StatusCode::BAD_REQUEST, "bad_request"),
            Self::Unauthorized => unauthorized(problem),
            Self::ForbiddenOrigin => problem(StatusCode::FORBIDDEN, "forbidden_origin"),
            Self::NotFound => problem(StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Conflict(error) => problem(StatusCode::CONFLICT, "conflict").with_errors(vec![error]),
            Self::QuotaReached(quota) => problem(StatusCode::CONFLICT, "quota_reached").with_errors(vec![quota]),
            Self::PayloadTooLarge { .. } => problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::UnsupportedMediaType(_) => problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::IdempotencyKeyReused => problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::Timeout => timeout(problem),
            Self::Unavailable => unavailable(problem),
            Self::Database(error) if is_outage(&error) => unavailable(problem),
            Self::Database(error) if is_of_deleted_user(&error) => unauthorized(problem),
            Self::Database(error) if is_timeout(&error) => timeout(problem),
            Self::Database(_) | Self::Internal(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

fn unauthorized(problem: impl FnOnce(StatusCode, &'static str) -> Problem) -> Problem {
    problem(StatusCode::UNAUTHORIZED, "unauthorized")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn unavailable(problem: impl FnOnce(StatusCode, &'static str) -> Problem) -> Problem {
    problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable").with_retry_after(RETRY_AFTER_SECONDS)
}

fn timeout(problem: impl FnOnce(StatusCode, &'static str) -> Problem) -> Problem {
    problem(StatusCode::SERVICE_UNAVAILABLE, "timeout").with_retry_after(RETRY_AFTER_SECONDS)
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Validation(vec![error])
    }
}

impl From<idempotency::Error> for Error {
    fn from(error: idempotency::Error) -> Self {
        match error {
            idempotency::Error::KeyReused => Self::IdempotencyKeyReused,
            idempotency::Error::Database(error) => Self::Database(error),
            idempotency::Error::Answer(error) => Self::Internal(error.into()),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        self.into_problem().into_response()
    }
}
