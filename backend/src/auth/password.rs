//! Password hashing with argon2id, off the async threads and never more at once than the machine can bear.

use std::{sync::Arc, thread::available_parallelism};

use anyhow::{Context, anyhow};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::http::error::Result;

pub struct Passwords {
    /// Each hash takes 19 MiB and a core for some 20 ms.
    permits: Arc<Semaphore>,
    /// Verified in place of the hash of an account that does not exist, so that both take the same time.
    decoy: String,
}

impl Passwords {
    pub fn new() -> anyhow::Result<Self> {
        let permits = available_parallelism().map_or(1, usize::from);
        Ok(Self { permits: Arc::new(Semaphore::new(permits)), decoy: hash("no password has this hash")? })
    }

    /// A PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String> {
        self.run(move || hash(password.expose_secret())).await
    }

    /// Whether `password` belongs to the hash. Without a hash the work is the same and the answer no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        self.run(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| anyhow!("stored hash: {error}"))?;
            Ok(known & Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
        let permit = self.permits.clone().acquire_owned().await.context("hashing has ended")?;
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        Ok(result.await.context("hashing panicked")??)
    }
}

fn hash(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}
