//! What the streams of one user share, so that a change is read once for all of them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::PgPool;
use uuid::Uuid;

use super::changes::{self, Page};

/// The feeds of the users who have streams in this process. A clone refers to the same feeds.
#[derive(Clone, Default)]
pub struct Feeds(Arc<Mutex<HashMap<Uuid, Weak<Feed>>>>);

impl Feeds {
    pub fn of_user(&self, user_id: Uuid) -> Arc<Feed> {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&user_id).and_then(Weak::upgrade) {
            return feed;
        }
        let feed = Arc::new(Feed {
            feeds: self.clone(),
            user_id,
            begun: AtomicU64::new(0),
            last: tokio::sync::Mutex::default(),
        });
        feeds.insert(user_id, Arc::downgrade(&feed));
        feed
    }

    /// Removes the user's feed, unless a new stream has begun another.
    fn remove(&self, user_id: Uuid) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if feeds.get(&user_id).is_some_and(|feed| feed.strong_count() == 0) {
            feeds.remove(&user_id);
        }
    }
}

/// The changes of a user's tasks. All streams of the user wake at once and mostly read after the same position: one of
/// them reads the database, and all send the same bytes.
pub struct Feed {
    feeds: Feeds,
    user_id: Uuid,
    /// The number of readings that have begun.
    begun: AtomicU64,
    /// Who reads the database has the lock meanwhile.
    last: tokio::sync::Mutex<Reading>,
}

/// What the database said last.
#[derive(Default)]
struct Reading {
    /// Its place in the order of readings, from 1.
    number: u64,
    newest: i64,
    /// The user's valid credentials.
    credentials: Vec<Uuid>,
    /// Pages that streams are sending, by the position that they come after.
    pages: HashMap<i64, Weak<Page>>,
}

/// What a stream learns.
pub struct News {
    /// Number of the user's newest change.
    pub newest: i64,
    /// The changes after the position of the stream, if there are any.
    pub page: Option<Arc<Page>>,
}

impl Feed {
    /// What there is now after a position. `None` when the credential is gone or has expired. A page that another stream
    /// is sending may end before the newest change.
    pub async fn read(&self, pool: &PgPool, credential_id: Uuid, position: Option<i64>) -> sqlx::Result<Option<News>> {
        // One that has begun already may have missed what this stream was woken for.
        let needed = self.begun.load(Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        let mut page = position.and_then(|position| last.pages.get(&position)?.upgrade());
        let has_page = page.is_some() || position.is_none_or(|position| position == last.newest);
        if last.number < needed || !has_page {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let after = position.filter(|_| page.is_none());
            let Some(read) = changes::read(pool, self.user_id, after).await? else { return Ok(None) };
            last.number = number;
            last.newest = read.newest;
            last.credentials = read.credentials;
            if let (Some(after), Some(read)) = (after, read.page) {
                let read = Arc::new(read);
                last.pages.retain(|_, page| page.strong_count() > 0);
                last.pages.insert(after, Arc::downgrade(&read));
                page = Some(read);
            }
        }
        let is_valid = last.credentials.contains(&credential_id);
        Ok(is_valid.then_some(News { newest: last.newest, page }))
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.feeds.remove(self.user_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_a_user_share_a_feed_that_ends_with_the_last() {
        let (feeds, user_id) = (Feeds::default(), Uuid::now_v7());
        let [first, second] = [feeds.of_user(user_id), feeds.of_user(user_id)];
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &feeds.of_user(Uuid::now_v7())));
        drop(first);
        assert!(Arc::ptr_eq(&second, &feeds.of_user(user_id)));
        drop(second);
        assert!(feeds.0.lock().unwrap().is_empty());
    }
}
