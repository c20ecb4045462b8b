//! The routes below `/api/auth`.

mod account;
mod sessions;
mod tokens;

use axum::{extract::FromRef, http::StatusCode};
use utoipa_axum::router::OpenApiRouter;

use super::{error::Error, state::Accounts};
use crate::{
    http::{client_address::TrustedProxyHops, error::Error as HttpError, problem::Problem},
    validation::FieldError,
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    TrustedProxyHops: FromRef<S>,
{
    OpenApiRouter::new().merge(account::router()).merge(sessions::router()).merge(tokens::router())
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self::Validation(errors),
            Error::InvalidCredentials => Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail).into(),
            Error::EmailTaken => Self::Conflict(FieldError::new("email", "already has an account; sign in instead")),
            Error::QuotaReached(quota) => Self::QuotaReached(quota),
            Error::TooManyAttempts { retry_after } => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail)
                    .with_retry_after(retry_after)
                    .into()
            }
            Error::Overloaded { retry_after } => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).with_retry_after(retry_after).into()
            }
            Error::NotFound => Self::NotFound,
            // Nothing but the user is expected to exist: the account was deleted meanwhile.
            Error::Database(sqlx::Error::RowNotFound) => Self::Unauthorized,
            Error::Database(error) => Self::Database(error),
            Error::Hashing(error) => Self::Internal(error),
        }
    }
}
