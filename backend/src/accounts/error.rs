use crate::validation::{FieldError, describe};

/// Why something about an account was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// Says the same for a wrong password and an unknown account.
    #[error("E-mail or password is wrong.")]
    InvalidCredentials,
    #[error("email already has an account; sign in instead.")]
    EmailTaken,
    /// The user has as many of something as the configuration allows.
    #[error("{}", describe(std::slice::from_ref(.0)))]
    QuotaReached(FieldError),
    /// `retry_after` is in seconds.
    #[error("Too many attempts. Try again in {retry_after} seconds.")]
    TooManyAttempts { retry_after: u64 },
    /// More passwords wait to be hashed than can be served soon. `retry_after` is in seconds.
    #[error("Too many passwords are being checked right now. Try again in {retry_after} seconds.")]
    Overloaded { retry_after: u64 },
    /// The user has no such session or token.
    #[error("There is nothing here.")]
    NotFound,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] anyhow::Error),
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}
