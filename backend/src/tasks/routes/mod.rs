//! The routes below `/api/tasks`.

mod collection;
mod item;
mod transfer;

use axum::{
    extract::FromRef,
    http::{StatusCode, header},
};
use utoipa_axum::router::OpenApiRouter;

pub use transfer::Imports;

use super::error::Error;
use crate::{
    accounts::Accounts,
    db::Database,
    http::{error::Error as HttpError, event_stream::EventStreams, headers::etag, problem::Problem},
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Database: FromRef<S>,
    EventStreams: FromRef<S>,
    Imports: FromRef<S>,
{
    OpenApiRouter::new().merge(item::router()).merge(collection::router()).merge(transfer::router())
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(errors) => Self::Validation(errors),
            Error::Malformed(detail) => Self::BadRequest(detail),
            Error::NotFound => Self::NotFound,
            Error::VersionMismatch { version } => {
                Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", error.to_string())
                    .with_header(header::ETAG, etag(version))
                    .into()
            }
            Error::QuotaReached(quota) => Problem::new(StatusCode::CONFLICT, "quota_reached", quota.to_string()).into(),
            Error::Database(error) => Self::Database(error),
        }
    }
}
