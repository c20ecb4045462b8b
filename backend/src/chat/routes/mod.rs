//! The routes below `/api/chat` and `/api/conversations`.

mod conversations;
mod stream;
mod turns;

use axum::{extract::FromRef, http::StatusCode};
use utoipa_axum::router::OpenApiRouter;

use super::{error::Error, state::Chat};
use crate::{
    accounts::Accounts,
    http::{error::Error as HttpError, problem::Problem},
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Chat: FromRef<S>,
{
    OpenApiRouter::new().merge(turns::router()).merge(conversations::router())
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self::Validation(errors),
            Error::NotFound => Self::NotFound,
            Error::Outdated(error) => Self::Conflict(error),
            Error::TurnInProgress { .. } => Problem::new(StatusCode::CONFLICT, "turn_at_work", detail).into(),
            Error::EventsGone => Problem::new(StatusCode::GONE, "events_gone", detail).into(),
            Error::TooManyTurns { retry_after } => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_turns", detail)
                    .with_retry_after(retry_after)
                    .into()
            }
            Error::DailyBudgetReached { retry_after, .. } => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "daily_budget_reached", detail)
                    .with_retry_after(retry_after)
                    .into()
            }
            Error::QuotaReached(quota) => Self::QuotaReached(quota),
            Error::TooManyAtATime(refused) => refused.problem("too_many_turns").into(),
            Error::NotConfigured => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "chat_not_configured", detail).into(),
            Error::Idempotency(error) => error.into(),
            Error::Database(error) => Self::Database(error),
            Error::Internal(error) => Self::Internal(error),
        }
    }
}
