//! Password hashing with argon2id, off the async threads and never more at once than the machine can bear.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use anyhow::{Context, anyhow};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// The memory in which a hash is computed, kept for the next one. glibc before 2.38 hardly reuses allocations that are
/// so large and so aligned: the process would grow by hundreds of megabytes.
type Memory = Vec<Block>;

/// Hashes and verifies passwords.
pub struct PasswordHasher {
    /// One for each core, because a hash takes 19 MiB and a core for some 20 ms.
    permits: Arc<Semaphore>,
    /// The memories that no hash is computed in now; never more than there are permits.
    idle_memories: Arc<Mutex<Vec<Memory>>>,
    /// Verified in place of the hash of an account that does not exist, so that both take the same time.
    decoy: String,
}

impl PasswordHasher {
    /// Hashes once, for the decoy.
    pub fn new() -> anyhow::Result<Self> {
        let permits = available_parallelism().map_or(1, usize::from);
        let mut memory = Memory::new();
        let decoy = hash("no password has this hash", &mut memory)?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(permits)),
            idle_memories: Arc::new(Mutex::new(vec![memory])),
            decoy,
        })
    }

    /// The hash of a password, as a PHC string.
    pub async fn hash(&self, password: SecretString) -> anyhow::Result<String> {
        self.run(move |memory| hash(password.expose_secret(), memory)).await
    }

    /// Whether `password` belongs to the hash. Without a hash the work is the same and the answer no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> anyhow::Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        self.run(move |memory| Ok(known & verify(password.expose_secret(), &stored, memory)?)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let permit = self.permits.clone().acquire_owned().await.context("hashing has ended")?;
        let idle_memories = Arc::clone(&self.idle_memories);
        let result = tokio::task::spawn_blocking(move || {
            let idle_memories = || idle_memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = idle_memories().pop().unwrap_or_default();
            let result = work(&mut memory);
            idle_memories().push(memory);
            drop(permit);
            result
        });
        result.await.context("hashing panicked")?
    }
}

/// The hash of a password under a new salt, as a PHC string.
fn hash(password: &str, memory: &mut Memory) -> anyhow::Result<String> {
    let salt: [u8; Salt::RECOMMENDED_LENGTH] = rand::random();
    let argon2 = Argon2::default();
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(digest(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN, memory)?),
    };
    Ok(hash.to_string())
}

fn verify(password: &str, stored: &str, memory: &mut Memory) -> anyhow::Result<bool> {
    let stored = PasswordHash::new(stored).context("stored hash")?;
    let (salt, expected) = (stored.salt.context("no salt is stored")?, stored.hash.context("no hash is stored")?);
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let argon2 = Argon2::new(Algorithm::try_from(stored.algorithm.as_str())?, version, Params::try_from(&stored)?);
    // `Output` is compared in constant time.
    Ok(digest(&argon2, password, &salt, expected.len(), memory)? == expected)
}

fn digest(
    argon2: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    length: usize,
    memory: &mut Memory,
) -> anyhow::Result<Output> {
    memory.resize(argon2.params().block_count(), Block::default());
    let mut output = vec![0; length];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, memory)
        .map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(Output::new(&output)?)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn hashes_are_those_of_the_library_whatever_the_memory_held() {
        let mut memory = Memory::new();
        for password in ["correct horse battery", "another", ""] {
            let ours = hash(password, &mut memory).unwrap();
            assert!(ours.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{ours}");
            assert!(Argon2::default().verify_password(password.as_bytes(), ours.as_str()).is_ok());
            let theirs: PasswordHash = Argon2::default().hash_password(password.as_bytes()).unwrap();
            assert!(verify(password, &theirs.to_string(), &mut memory).unwrap());
            assert!(verify(password, &ours, &mut memory).unwrap());
            assert!(!verify("wrong", &ours, &mut memory).unwrap());
        }
    }

    #[test]
    fn two_hashes_of_a_password_differ() {
        let mut memory = Memory::new();
        assert_ne!(hash("same", &mut memory).unwrap(), hash("same", &mut memory).unwrap());
    }
}
