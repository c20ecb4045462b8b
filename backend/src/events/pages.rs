//! Pages of changes, which the streams of one user share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use sqlx::PgPool;
use uuid::Uuid;

use super::changes::{self, Page};

/// The user, and the position that a page comes after.
type Place = (Uuid, i64);

/// A page that several streams may send. Who reads it from the database has the lock meanwhile.
type SharedPage = Arc<tokio::sync::Mutex<Weak<Page>>>;

/// Pages that streams of this process hold. All streams of a user wake at once and mostly read after the same position:
/// one of them reads the database, and all send the same bytes. A clone refers to the same pages.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<HashMap<Place, SharedPage>>>);

impl Pages {
    /// The changes after `position`. `newest` differs from it. A page that another stream holds may end before `newest`.
    pub async fn get(&self, pool: &PgPool, user_id: Uuid, position: i64, newest: i64) -> sqlx::Result<Arc<Page>> {
        let shared = self.shared((user_id, position));
        let mut shared = shared.lock().await;
        if let Some(page) = shared.upgrade() {
            return Ok(page);
        }
        let page = Arc::new(changes::page(pool, user_id, position, newest).await?);
        *shared = Arc::downgrade(&page);
        Ok(page)
    }

    fn shared(&self, place: Place) -> SharedPage {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_sent = |page: &SharedPage| page.try_lock().map_or(true, |page| page.strong_count() > 0);
        pages.retain(|_, page| Arc::strong_count(page) > 1 || is_sent(page));
        Arc::clone(pages.entry(place).or_default())
    }
}
