//! Limits on how often something may be done, in the database so that they hold over all replicas.

use std::net::IpAddr;

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::secrets::HashKey;

/// Something that may be done only so often in a window of time. The window starts with the first time.
#[derive(Clone, Copy, Debug)]
pub enum LimitedAction<'a> {
    /// Trying a password of the account with this e-mail, whether it exists or not.
    PasswordOfAccount(&'a str),
    /// Trying any password from this address.
    PasswordFromAddress(IpAddr),
    /// Starting a turn of the chat as this user.
    ChatTurn(Uuid),
}

impl LimitedAction<'_> {
    const fn window_minutes(self) -> i32 {
        match self {
            Self::PasswordOfAccount(_) | Self::PasswordFromAddress(_) => 15,
            Self::ChatTurn(_) => 1,
        }
    }

    /// What stands for the action in the database: nobody can read from it who tried what.
    fn key(self, hash_key: &HashKey) -> Vec<u8> {
        hash_key.hash(&match self {
            Self::PasswordOfAccount(email) => format!("account {email}"),
            Self::PasswordFromAddress(address) => format!("address {address}"),
            Self::ChatTurn(user_id) => format!("chat {user_id}"),
        })
    }
}

/// An action is over its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyAttempts {
    /// Seconds until the window ends; at least 1.
    pub retry_after: u64,
}

/// Counts actions.
#[derive(Clone)]
pub struct RateLimiter(HashKey);

impl RateLimiter {
    pub const fn new(hash_key: HashKey) -> Self {
        Self(hash_key)
    }

    /// Counts the action once. The inner error says that this was more often than `limit` in the window.
    pub async fn count(
        &self,
        executor: impl PgExecutor<'_>,
        action: LimitedAction<'_>,
        limit: i32,
    ) -> sqlx::Result<Result<(), TooManyAttempts>> {
        let counted = sqlx::query!(
            r#"insert into attempts (key, count, resets_at) values ($1, 1, now() + make_interval(mins => $2))
           on conflict (key) do update set
             count = case when attempts.resets_at < now() then 1 else attempts.count + 1 end,
             resets_at = case when attempts.resets_at < now() then excluded.resets_at else attempts.resets_at end
           returning count, ceil(extract(epoch from resets_at - now()))::bigint as "seconds!""#,
            action.key(&self.0),
            action.window_minutes()
        )
        .fetch_one(executor)
        .await?;
        let retry_after = counted.seconds.max(1).unsigned_abs();
        Ok(if counted.count > limit { Err(TooManyAttempts { retry_after }) } else { Ok(()) })
    }

    /// Forgets how often this was done.
    pub async fn reset(&self, executor: impl PgExecutor<'_>, action: LimitedAction<'_>) -> sqlx::Result<()> {
        sqlx::query!("delete from attempts where key = $1", action.key(&self.0)).execute(executor).await?;
        Ok(())
    }

    /// Takes one count back.
    pub async fn decrement(&self, executor: impl PgExecutor<'_>, action: LimitedAction<'_>) -> sqlx::Result<()> {
        sqlx::query!("update attempts set count = greatest(count - 1, 0) where key = $1", action.key(&self.0))
            .execute(executor)
            .await?;
        Ok(())
    }
}

/// Removes counts whose window has ended, and gives their number.
pub async fn remove_expired(pool: &PgPool) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from attempts where key in
             (select key from attempts where resets_at < now() for update skip locked)"
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
