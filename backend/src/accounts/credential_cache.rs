//! Credentials that were found valid a moment ago, so that most requests need not ask the database who sends them.
//!
//! A credential that has ended must not be found here. In this process it is forgotten before the request that ended it
//! is answered. For all others, the database notifies in the transaction that ends it. Notifications can be lost with
//! their connection, so that the cache holds a lease: it answers only for a moment after the database has proven that
//! no notification was missed. While the listener's connection is down or silent, every request asks the database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Acquire, Connection, postgres::PgListener};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::identity::Identity;
use crate::db::Database;

/// PostgreSQL's channel. A payload is the id of a user, a credential of whom has ended.
const CHANNEL: &str = "credentials";
/// How long the cache answers after the database was asked for notifications and had none: a credential that ends
/// elsewhere is refused here within a second, whatever happens to the connection.
const LEASE: Duration = Duration::from_millis(600);
/// Time between two renewals of the lease.
const RENEWAL_INTERVAL: Duration = Duration::from_millis(200);
/// Time before the connection is made again after an error.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// How long a credential is remembered: after that, its `last_used_at` is due.
const LIFETIME: Duration = Duration::from_mins(1);
/// Credentials that are remembered at a time. Each takes about 150 bytes.
const MAX_ENTRIES: usize = 20_000;

/// The credentials that this process remembers. A clone refers to the same.
#[derive(Clone, Default)]
pub struct CredentialCache(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    by_hash: HashMap<Vec<u8>, Entry>,
    /// Counts up whenever something is forgotten. What was read before that may have ended meanwhile.
    generation: u64,
    /// When the cache may no longer answer; `None` while it must not.
    lease: Option<Instant>,
}

struct Entry {
    identity: Identity,
    valid_until: Instant,
}

/// The moment before a credential is read from the database.
#[derive(Clone, Copy)]
pub struct Generation(u64);

impl CredentialCache {
    /// The credential with this hash, if it is remembered; else the moment from which on one may be remembered.
    pub fn get(&self, hash: &[u8]) -> Result<Identity, Generation> {
        let entries = self.lock();
        let now = Instant::now();
        let is_leased = entries.lease.is_some_and(|lease| now < lease);
        let entry = entries.by_hash.get(hash).filter(|entry| is_leased && now < entry.valid_until);
        entry.map(|entry| entry.identity).ok_or(Generation(entries.generation))
    }

    /// Remembers a credential that was read after `generation`, unless something was forgotten since. It expires after
    /// `expires_in`.
    pub fn insert(&self, generation: Generation, hash: Vec<u8>, identity: Identity, expires_in: Option<Duration>) {
        let mut entries = self.lock();
        if entries.lease.is_none() || entries.generation != generation.0 {
            return;
        }
        let now = Instant::now();
        if entries.by_hash.len() >= MAX_ENTRIES {
            entries.by_hash.retain(|_, entry| now < entry.valid_until);
        }
        if entries.by_hash.len() < MAX_ENTRIES {
            let valid_until = now + expires_in.map_or(LIFETIME, |expires_in| expires_in.min(LIFETIME));
            entries.by_hash.insert(hash, Entry { identity, valid_until });
        }
    }

    /// Forgets the credentials of a user, one of which has ended or may have.
    pub fn forget(&self, user_id: Uuid) {
        let mut entries = self.lock();
        entries.generation += 1;
        entries.by_hash.retain(|_, entry| entry.identity.user_id != user_id);
    }

    /// Listens for credentials that end, for as long as the service runs, over any number of outages.
    pub async fn listen(self, database: Database) {
        loop {
            database.until_available().await;
            tokio::select! {
                () = database.until_unavailable() => {}
                result = self.renew(&database) => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "listening for credentials that end failed");
                    }
                }
            }
            self.lock().lease = None;
            sleep(RETRY_INTERVAL).await;
        }
    }

    /// Renews the lease until the connection is lost.
    async fn renew(&self, database: &Database) -> sqlx::Result<()> {
        let mut listener = database.listener().await?;
        listener.listen(CHANNEL).await?;
        self.forget_all();
        loop {
            let asked_at = Instant::now();
            let answer = timeout(LEASE, async { listener.acquire().await?.ping().await });
            answer.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            // The database sends what it has notified of before it answers.
            while let Some(notification) = listener.next_buffered() {
                self.forget_notified(notification.payload());
            }
            self.lock().lease = Some(asked_at + LEASE);
            if let Ok(lost) = timeout(RENEWAL_INTERVAL, self.forget_until_lost(&mut listener)).await {
                return lost;
            }
        }
    }

    /// Completes when the connection is lost.
    async fn forget_until_lost(&self, listener: &mut PgListener) -> sqlx::Result<()> {
        while let Some(notification) = listener.try_recv().await? {
            self.forget_notified(notification.payload());
        }
        Ok(())
    }

    fn forget_notified(&self, user_id: &str) {
        if let Ok(user_id) = user_id.parse() {
            self.forget(user_id);
        }
    }

    fn forget_all(&self) {
        let mut entries = self.lock();
        entries.generation += 1;
        entries.by_hash.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::accounts::identity::Kind;

    const HASH: &[u8] = b"hash";

    fn identity() -> Identity {
        Identity { user_id: Uuid::now_v7(), credential_id: Uuid::now_v7(), kind: Kind::Session }
    }

    /// A cache with a lease.
    fn leased() -> CredentialCache {
        let cache = CredentialCache::default();
        cache.lock().lease = Some(Instant::now() + LEASE);
        cache
    }

    fn insert(cache: &CredentialCache, identity: Identity, expires_in: Option<Duration>) {
        let generation = cache.get(HASH).unwrap_err();
        cache.insert(generation, HASH.to_vec(), identity, expires_in);
    }

    #[tokio::test(start_paused = true)]
    async fn the_cache_answers_until_the_lease_ends() {
        let cache = leased();
        insert(&cache, identity(), None);
        advance(LEASE / 2).await;
        assert!(cache.get(HASH).is_ok());
        advance(LEASE / 2).await;
        assert!(cache.get(HASH).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_lease_nothing_is_remembered() {
        let cache = CredentialCache::default();
        insert(&cache, identity(), None);
        cache.lock().lease = Some(Instant::now() + LEASE);
        assert!(cache.get(HASH).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_credential_is_remembered_until_it_expires() {
        for (expires_in, valid) in [(Some(Duration::from_secs(5)), Duration::from_secs(5)), (None, LIFETIME)] {
            let cache = leased();
            insert(&cache, identity(), expires_in);
            cache.lock().lease = Some(Instant::now() + LIFETIME * 2);
            advance(valid / 2).await;
            assert!(cache.get(HASH).is_ok());
            advance(valid / 2).await;
            assert!(cache.get(HASH).is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_credential_that_may_have_ended_while_it_was_read_is_not_remembered() {
        let (cache, identity) = (leased(), identity());
        let generation = cache.get(HASH).unwrap_err();
        cache.forget(identity.user_id);
        cache.insert(generation, HASH.to_vec(), identity, None);
        assert!(cache.get(HASH).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_is_forgotten_and_others_are_not() {
        let (cache, identity) = (leased(), identity());
        insert(&cache, identity, None);
        cache.forget(Uuid::now_v7());
        assert!(cache.get(HASH).is_ok());
        cache.forget_notified(&identity.user_id.to_string());
        assert!(cache.get(HASH).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_credentials_is_bounded() {
        let (cache, identity) = (leased(), identity());
        let insert = |number: usize| {
            let hash = number.to_le_bytes();
            if let Err(generation) = cache.get(&hash) {
                cache.insert(generation, hash.to_vec(), identity, None);
            }
        };
        (0..=MAX_ENTRIES).for_each(insert);
        assert_eq!(cache.lock().by_hash.len(), MAX_ENTRIES);
        advance(LIFETIME).await;
        insert(0);
        cache.lock().lease = Some(Instant::now() + LEASE);
        insert(0);
        assert_eq!(cache.lock().by_hash.len(), 1);
    }
}
