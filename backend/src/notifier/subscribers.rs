//! Who waits for which subject.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use uuid::Uuid;

/// A wake that comes while the subscriber is busy waits for it; several are one.
type Subscriber = Arc<Notify>;

/// The subscribers of this process by subject, so that a wake reaches only those that it concerns, however many others
/// there are. A clone refers to the same subscribers.
#[derive(Clone, Default)]
pub struct Subscribers(Arc<Mutex<HashMap<Uuid, Vec<Subscriber>>>>);

impl Subscribers {
    pub fn subscribe(&self, subject: Uuid) -> Subscription {
        let subscriber = Subscriber::default();
        self.lock().entry(subject).or_default().push(Arc::clone(&subscriber));
        Subscription { subscribers: self.clone(), subject, subscriber }
    }

    pub fn wake(&self, subject: Uuid) {
        for subscriber in self.lock().get(&subject).into_iter().flatten() {
            subscriber.notify_one();
        }
    }

    pub fn wake_all(&self) {
        for subscriber in self.lock().values().flatten() {
            subscriber.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Subscriber>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wakes of one subject, from the subscription on. Dropping it ends the subscription.
pub struct Subscription {
    subscribers: Subscribers,
    subject: Uuid,
    subscriber: Subscriber,
}

impl Subscription {
    /// Completes when the subject may have changed. A wake carries no content: the caller reads what is new.
    pub async fn notified(&self) {
        self.subscriber.notified().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subscribers = self.subscribers.lock();
        if let Some(of_subject) = subscribers.get_mut(&self.subject) {
            of_subject.retain(|subscriber| !Arc::ptr_eq(subscriber, &self.subscriber));
            if of_subject.is_empty() {
                subscribers.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn is_woken(subscription: &Subscription) -> bool {
        subscription.notified().now_or_never().is_some()
    }

    #[test]
    fn a_subscriber_is_woken_for_its_subject_and_with_all() {
        let (subscribers, subject) = (Subscribers::default(), Uuid::now_v7());
        let subscriptions = [subscribers.subscribe(subject), subscribers.subscribe(subject)];
        subscribers.wake(Uuid::now_v7());
        assert!(!subscriptions.iter().any(is_woken));
        subscribers.wake(subject);
        assert!(subscriptions.iter().all(is_woken));
        subscribers.wake_all();
        assert!(subscriptions.iter().all(is_woken));
    }

    #[test]
    fn wakes_of_a_busy_subscriber_become_one() {
        let (subscribers, subject) = (Subscribers::default(), Uuid::now_v7());
        let [busy, other] = [subscribers.subscribe(subject), subscribers.subscribe(Uuid::now_v7())];
        for _ in 0..10_000 {
            subscribers.wake(subject);
        }
        assert!(is_woken(&busy));
        assert!(!is_woken(&busy));
        assert!(!is_woken(&other), "what one subscriber has not seen yet woke another");
    }

    #[test]
    fn a_subscription_that_ends_leaves_nothing_behind() {
        let (subscribers, subject) = (Subscribers::default(), Uuid::now_v7());
        let [first, second] = [subscribers.subscribe(subject), subscribers.subscribe(subject)];
        drop(first);
        subscribers.wake(subject);
        assert!(is_woken(&second));
        drop(second);
        assert!(subscribers.lock().is_empty());
    }
}
