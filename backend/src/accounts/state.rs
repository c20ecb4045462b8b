use std::sync::Arc;

use secrecy::SecretString;
use sqlx::PgPool;

use super::{passwords::PasswordHasher, rate_limits::RateLimiter, secrets::HashKey};
use crate::db::Database;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Hashes of passwords that are computed at once.
    pub password_hash_concurrency: usize,
    /// Accounts that one address may create in an hour.
    pub sign_ups_per_hour: i32,
    pub max_sessions_per_user: u32,
    pub max_tokens_per_user: u32,
    /// Send the session cookie over HTTPS only.
    pub cookie_secure: bool,
    /// Origins besides our own whose pages may call the API.
    pub allowed_origins: Vec<String>,
}

/// What the routes and extractors of accounts need. A clone refers to the same.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    database: Database,
    hash_key: HashKey,
    passwords: PasswordHasher,
    rate_limiter: RateLimiter,
    settings: Settings,
}

impl Accounts {
    pub fn new(database: Database, secret_key: &SecretString, settings: Settings) -> anyhow::Result<Self> {
        let hash_key = HashKey::new(secret_key)?;
        let rate_limiter = RateLimiter::new(hash_key.clone());
        let passwords = PasswordHasher::new(settings.password_hash_concurrency)?;
        Ok(Self(Arc::new(Shared { database, hash_key, passwords, rate_limiter, settings })))
    }

    pub fn pool(&self) -> PgPool {
        self.0.database.pool()
    }

    pub fn hash_key(&self) -> &HashKey {
        &self.0.hash_key
    }

    pub fn passwords(&self) -> &PasswordHasher {
        &self.0.passwords
    }

    pub fn rate_limiter(&self) -> &RateLimiter {
        &self.0.rate_limiter
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }
}
