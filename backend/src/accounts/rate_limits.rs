//! Limits on how often something may be done, in the database so that they hold over all replicas.

use std::net::{IpAddr, Ipv6Addr};

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::secrets::HashKey;

/// The bits of an IPv6 address that name a network. A provider gives each customer at least one.
const NETWORK: Ipv6Addr = Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);

/// Something that may be done only so often in a window of time. The window starts with the first time. An address of
/// IPv6 counts as its network of 64 bits.
#[derive(Clone, Copy, Debug)]
pub enum LimitedAction<'a> {
    /// Creating an account from this address.
    SignUp(IpAddr),
    /// Trying any password from this address.
    PasswordFromAddress(IpAddr),
    /// Trying a password of the account with this e-mail, whether it exists or not, from this address.
    PasswordOfAccountFromAddress(&'a str, IpAddr),
    /// Trying a password of the account with this e-mail, whether it exists or not, from any address.
    PasswordOfAccount(&'a str),
    /// Trying a password on a device that the account knows.
    PasswordOnDevice(&'a str),
    /// Starting a turn of the chat as this user.
    ChatTurn(Uuid),
}

impl LimitedAction<'_> {
    const fn window_minutes(self) -> i32 {
        match self {
            Self::SignUp(_) => 60,
            Self::PasswordFromAddress(_)
            | Self::PasswordOfAccountFromAddress(..)
            | Self::PasswordOfAccount(_)
            | Self::PasswordOnDevice(_) => 15,
            Self::ChatTurn(_) => 1,
        }
    }

    /// What stands for the action in the database: nobody can read from it who tried what.
    fn key(self, hash_key: &HashKey) -> Vec<u8> {
        hash_key.hash(&match self {
            Self::SignUp(address) => format!("sign-up {}", network(address)),
            Self::PasswordFromAddress(address) => format!("address {}", network(address)),
            Self::PasswordOfAccountFromAddress(email, address) => format!("pair {} {email}", network(address)),
            Self::PasswordOfAccount(email) => format!("account {email}"),
            Self::PasswordOnDevice(device) => format!("known device {device}"),
            Self::ChatTurn(user_id) => format!("chat {user_id}"),
        })
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => (address & NETWORK).into(),
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

/// Removes counts whose window has ended, at most `limit`, and gives their number.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "with expired as
             (select key from attempts where resets_at < now() limit $1 for update skip locked)
         delete from attempts using expired where attempts.key = expired.key",
        limit
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
