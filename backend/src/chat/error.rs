use crate::{
    accounts::TooManyAttempts,
    db::idempotency,
    http::slots::Refused,
    validation::{FieldError, describe},
};

/// Why something in a conversation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// The user has no such conversation.
    #[error("There is nothing here.")]
    NotFound,
    /// The conversation is not as the user was shown it: other tool calls wait, or nothing failed.
    #[error("{}", describe(std::slice::from_ref(.0)))]
    Outdated(FieldError),
    /// A run works on the conversation, perhaps started in another tab. `since` is in RFC 3339.
    #[error("An answer has been in the making since {since}. Wait for it, or cancel it.")]
    TurnInProgress { since: String },
    #[error("The events after this one are no longer kept. Fetch the conversation anew.")]
    EventsGone,
    /// `retry_after` is in seconds.
    #[error("Too many messages in a minute. Try again in {retry_after} seconds.")]
    TooManyTurns { retry_after: u64 },
    /// What a user, or all users together, may use in a day is used up. `retry_after` is in seconds.
    #[error("The chat has used up {budget}. A new day begins at 00:00 UTC.")]
    DailyBudgetReached { budget: String, retry_after: u64 },
    /// The user has as much of something as a user may have.
    #[error("{}", describe(std::slice::from_ref(.0)))]
    QuotaReached(FieldError),
    /// The user, or this process, has as many turns at a time as it may have.
    #[error(transparent)]
    TooManyAtATime(#[from] Refused),
    #[error(
        "The chat is not configured: the operator has to set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that needs \
         no key. Everything else works."
    )]
    NotConfigured,
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<TooManyAttempts> for Error {
    fn from(TooManyAttempts { retry_after }: TooManyAttempts) -> Self {
        Self::TooManyTurns { retry_after }
    }
}
