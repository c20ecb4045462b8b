//! Password hashing with argon2id: off the async threads, a fixed number at a time, and with a bounded queue.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{self, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, time::timeout};

use super::error::Error;

/// Most passwords that wait to be hashed. A hash takes some 20 ms, so that a longer queue would not be served in time.
const MAX_WAITING_PASSWORDS: usize = 100;
/// Longest time that a password waits to be hashed.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Hashes and verifies passwords. Nothing else in the program computes a hash of argon2, so its bounds hold for all.
pub struct PasswordHasher {
    /// One for each hash that may be computed at once, because a hash takes 19 MiB and a core.
    permits: Arc<Semaphore>,
    /// One for each password that may wait for a permit.
    places: Semaphore,
    /// Verified in place of the hash of an account that does not exist, so that both take the same time.
    decoy: String,
}

impl PasswordHasher {
    /// Hashes once, for the decoy.
    pub fn new(concurrency: usize) -> anyhow::Result<Self> {
        Ok(Self {
            permits: Arc::new(Semaphore::new(concurrency)),
            places: Semaphore::new(MAX_WAITING_PASSWORDS),
            decoy: hash("no password has this hash")?,
        })
    }

    /// The hash of a password, as a PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.run(move || hash(password.expose_secret())).await
    }

    /// Whether `password` belongs to the hash. Without a hash the work is the same and the answer no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        self.run(move || Ok(known & verify(password.expose_secret(), &stored)?)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let overloaded = Error::Overloaded { retry_after: MAX_WAIT.as_secs() };
        let Ok(place) = self.places.try_acquire() else { return Err(overloaded) };
        let Ok(permit) = timeout(MAX_WAIT, Arc::clone(&self.permits).acquire_owned()).await else {
            return Err(overloaded);
        };
        let permit = permit.context("hashing has ended")?;
        drop(place);
        // The work goes on when the request is given up, so the permit belongs to the work.
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        Ok(result.await.context("hashing panicked")??)
    }
}

/// The hash of a password under a new salt, as a PHC string.
fn hash(password: &str) -> anyhow::Result<String> {
    let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).map_err(failed)?;
    Ok(hash.to_string())
}

/// The algorithm and its parameters are those of the stored hash.
fn verify(password: &str, stored: &str) -> anyhow::Result<bool> {
    match Argon2::default().verify_password(password.as_bytes(), stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: password_hash::Error) -> anyhow::Error {
    anyhow!("argon2: {error}")
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinSet, yield_now};

    use super::*;

    #[test]
    fn a_hash_names_its_parameters_and_has_its_own_salt() {
        let stored = hash("correct horse battery").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse battery", &stored).unwrap());
        assert!(!verify("wrong", &stored).unwrap());
        assert_ne!(hash("correct horse battery").unwrap(), stored);
        assert!(verify("correct horse battery", "no hash").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded_in_length_and_time() {
        let hasher = Arc::new(PasswordHasher::new(1).unwrap());
        let permit = Arc::clone(&hasher.permits).acquire_owned().await.unwrap();
        let wait = |_| {
            let hasher = Arc::clone(&hasher);
            async move { hasher.verify("wrong".into(), None).await }
        };
        let mut waiting: JoinSet<_> = (0..MAX_WAITING_PASSWORDS).map(wait).collect();
        while hasher.places.available_permits() > 0 {
            yield_now().await;
        }
        // The queue is full: the answer comes at once, for every kind of work.
        let start = tokio::time::Instant::now();
        assert!(matches!(hasher.verify("a".into(), None).await, Err(Error::Overloaded { retry_after: 2 })));
        assert!(matches!(hasher.verify("a".into(), Some("b".into())).await, Err(Error::Overloaded { .. })));
        assert!(matches!(hasher.hash("a".into()).await, Err(Error::Overloaded { .. })));
        assert_eq!(start.elapsed(), Duration::ZERO);
        // A request that is given up leaves the queue.
        waiting.shutdown().await;
        assert_eq!(hasher.places.available_permits(), MAX_WAITING_PASSWORDS);

        assert!(matches!(hasher.hash("a".into()).await, Err(Error::Overloaded { .. })));
        assert_eq!(start.elapsed(), MAX_WAIT);
        drop(permit);
        assert!(!hasher.verify("a".into(), None).await.unwrap());
    }
}
