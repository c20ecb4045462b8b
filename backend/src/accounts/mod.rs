//! Accounts, sessions and API tokens. Uses the shared rooms; every other feature uses [`Identity`] from here.
//!
//! A session (browser cookie) and an API token (bearer) are the same kind of secret in the same table; only a keyed
//! hash of it is stored. Only a session may manage the account, never a token: see [`extract::Session`].

mod credential_cache;
mod devices;
mod error;
pub mod extract;
mod identity;
mod password_attempts;
mod passwords;
mod rate_limits;
mod routes;
pub mod secrets;
mod sessions;
mod state;
mod tokens;
mod users;

use sqlx::PgPool;

pub use error::Error;
pub use extract::SESSION_COOKIE;
pub use identity::Identity;
pub use rate_limits::{LimitedAction, RateLimiter, TooManyAttempts};
pub use routes::router;
pub use state::{Accounts, Settings};

/// Removes expired credentials and ended counts of actions, at most `limit` of each, and gives the number of removed
/// rows.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    Ok(identity::remove_expired(pool, limit).await? + rate_limits::remove_expired(pool, limit).await?)
}
