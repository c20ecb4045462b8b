//! Who waits for which subject.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::sync::Notify;
use uuid::Uuid;

/// The position of a subscriber that has not said one.
const NO_POSITION: i64 = i64::MIN;

struct Subscriber {
    /// A wake that comes while the subscriber is busy waits for it; several are one.
    wake: Notify,
    /// Number of the last change that the subscriber has seen.
    position: AtomicI64,
}

/// The subscribers of this process by subject, so that a wake reaches only those that it concerns, however many others
/// there are. A clone refers to the same subscribers.
#[derive(Clone, Default)]
pub struct Subscribers(Arc<Mutex<HashMap<Uuid, Vec<Arc<Subscriber>>>>>);

impl Subscribers {
    pub fn subscribe(&self, subject: Uuid) -> Subscription {
        let subscriber = Arc::new(Subscriber { wake: Notify::new(), position: AtomicI64::new(NO_POSITION) });
        self.lock().entry(subject).or_default().push(Arc::clone(&subscriber));
        Subscription { subscribers: self.clone(), subject, subscriber }
    }

    pub fn wake(&self, subject: Uuid) {
        for subscriber in self.lock().get(&subject).into_iter().flatten() {
            subscriber.wake.notify_one();
        }
    }

    pub fn wake_all(&self) {
        for subscriber in self.lock().values().flatten() {
            subscriber.wake.notify_one();
        }
    }

    /// The subjects whose subscribers have said what they have seen, with the lowest position of them.
    pub fn positions(&self) -> Vec<(Uuid, i64)> {
        let lowest = |(subject, subscribers): (&Uuid, &Vec<Arc<Subscriber>>)| {
            let positions = subscribers.iter().map(|subscriber| subscriber.position.load(Ordering::Relaxed));
            Some((*subject, positions.filter(|position| *position != NO_POSITION).min()?))
        };
        self.lock().iter().filter_map(lowest).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Arc<Subscriber>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wakes of one subject, from the subscription on. Dropping it ends the subscription.
pub struct Subscription {
    subscribers: Subscribers,
    subject: Uuid,
    subscriber: Arc<Subscriber>,
}

impl Subscription {
    /// Completes when the subject may have changed. A wake carries no content: the caller reads what is new.
    pub async fn notified(&self) {
        self.subscriber.wake.notified().await;
    }

    /// Says which change of the user was seen last, so that this subscriber is woken if it misses a later one.
    pub fn set_position(&self, position: i64) {
        self.subscriber.position.store(position, Ordering::Relaxed);
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
    fn the_lowest_position_of_each_subject_counts() {
        let (subscribers, subject) = (Subscribers::default(), Uuid::now_v7());
        let [first, second] = [subscribers.subscribe(subject), subscribers.subscribe(subject)];
        let _without = [subscribers.subscribe(subject), subscribers.subscribe(Uuid::now_v7())];
        assert_eq!(subscribers.positions(), []);
        first.set_position(7);
        assert_eq!(subscribers.positions(), [(subject, 7)]);
        second.set_position(5);
        assert_eq!(subscribers.positions(), [(subject, 5)]);
        drop(second);
        assert_eq!(subscribers.positions(), [(subject, 7)]);
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
