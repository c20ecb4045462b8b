//! Accounts, sessions and API tokens.
//!
//! A session (browser cookie) and an API token (bearer) are the same kind of secret in the same table; only a keyed
//! hash of it is stored. What may manage the account is a session, never a token: see [`identity`].

pub mod account;
pub mod deletion;
pub mod identity;
pub mod limits;
pub mod origin;
pub mod password;
pub mod sessions;
pub mod token;
pub mod tokens;

use utoipa_axum::router::OpenApiRouter;

use crate::server::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(account::router())
        .merge(deletion::router())
        .merge(sessions::router())
        .merge(tokens::router())
}
