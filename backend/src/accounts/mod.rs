//! Accounts, sessions and API tokens. Uses the shared rooms; every other feature uses [`Identity`] from here.
//!
//! A session (browser cookie) and an API token (bearer) are the same kind of secret in the same table; only a keyed
//! hash of it is stored. Only a session may manage the account, never a token: see [`extract::Session`].

mod error;
pub mod extract;
pub mod identity;
mod passwords;
pub mod rate_limits;
mod routes;
pub mod secrets;
mod sessions;
mod state;
mod tokens;
mod users;

pub use error::Error;
pub use extract::SESSION_COOKIE;
pub use identity::Identity;
pub use rate_limits::{LimitedAction, RateLimiter, TooManyAttempts};
pub use routes::router;
pub use state::{Accounts, Settings};
