use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use sqlx::PgPool;

use super::{
    credential_cache::CredentialCache,
    identity::{Identity, Kind},
    passwords::PasswordHasher,
    rate_limits::RateLimiter,
    secrets::HashKey,
};
use crate::db::{Database, PooledConnection};

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
    credentials: CredentialCache,
    settings: Settings,
}

impl Accounts {
    pub fn new(database: Database, secret_key: &SecretString, settings: Settings) -> anyhow::Result<Self> {
        let hash_key = HashKey::new(secret_key)?;
        let rate_limiter = RateLimiter::new(hash_key.clone());
        let credentials = CredentialCache::default();
        let passwords = PasswordHasher::new(settings.password_hash_concurrency)?;
        Ok(Self(Arc::new(Shared { database, hash_key, passwords, rate_limiter, credentials, settings })))
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

    pub fn credentials(&self) -> &CredentialCache {
        &self.0.credentials
    }

    /// Remembers credentials for as long as the service runs. Without it, each request asks the database for its own.
    pub async fn cache_credentials(self) {
        self.credentials().clone().listen(self.0.database.clone()).await;
    }

    /// Who a secret belongs to, if it is that of a valid credential. The credential's `last_used_at` is written at most
    /// once a minute: that is exact enough for people, and spares a write for each read.
    pub async fn identify(&self, secret: &str) -> sqlx::Result<Option<Identity>> {
        let hash = self.hash_key().hash(secret);
        let generation = match self.credentials().get(&hash) {
            Ok(identity) => return Ok(Some(identity)),
            Err(generation) => generation,
        };
        let hash = &hash;
        let find = |mut connection: PooledConnection| async move {
            sqlx::query!(
                r#"with touched as (
                     update credentials set last_used_at = now()
                     where token_hash = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')
                   )
                   select user_id, id, kind as "kind: Kind",
                     extract(epoch from expires_at - now())::float8 as expires_in from credentials
                   where token_hash = $1 and (expires_at is null or expires_at > now())"#,
                hash
            )
            .fetch_optional(&mut **connection)
            .await
        };
        let found = self.0.database.read(find).await?;
        let Some(found) = found else { return Ok(None) };
        let identity = Identity { user_id: found.user_id, credential_id: found.id, kind: found.kind };
        let expires_in = found.expires_in.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        self.credentials().insert(generation, hash.clone(), identity, expires_in);
        Ok(Some(identity))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }
}
