//! Wakes that are on their way to other processes.

use std::collections::HashSet;

use tokio::sync::watch;
use uuid::Uuid;

/// Subjects that are kept while there is no connection. Subscribers of the others see their change a few seconds later.
const CAPACITY: usize = 10_000;

#[derive(Default)]
struct Content {
    subjects: HashSet<Uuid>,
    /// Whether the subjects that were taken last are still being sent.
    is_sending: bool,
}

/// Collects subjects until they are sent. A clone refers to the same subjects.
#[derive(Clone, Default)]
pub struct Outbox(watch::Sender<Content>);

impl Outbox {
    pub fn add(&self, subject: Uuid) {
        self.0.send_if_modified(|content| content.subjects.len() < CAPACITY && content.subjects.insert(subject));
    }

    /// Completes when there is something to send.
    pub async fn until_filled(&self) {
        // An error would mean that the sender is gone, but `self` holds it.
        let _ = self.0.subscribe().wait_for(|content| !content.subjects.is_empty()).await;
    }

    /// Completes when there is nothing left to send.
    pub async fn until_sent(&self) {
        let _ = self.0.subscribe().wait_for(|content| content.subjects.is_empty() && !content.is_sending).await;
    }

    /// Takes the subjects. They count as being sent until this is dropped.
    pub fn take(&self) -> Sending<'_> {
        let mut subjects = Vec::new();
        self.0.send_modify(|content| {
            subjects.extend(content.subjects.drain());
            content.is_sending = true;
        });
        Sending { outbox: self, subjects }
    }
}

/// Subjects that are being sent.
pub struct Sending<'a> {
    outbox: &'a Outbox,
    pub subjects: Vec<Uuid>,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.outbox.0.send_modify(|content| content.is_sending = false);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn subjects_are_collected_once_until_they_are_taken() {
        let (outbox, subject) = (Outbox::default(), Uuid::now_v7());
        assert!(outbox.until_filled().now_or_never().is_none());
        outbox.add(subject);
        outbox.add(subject);
        assert!(outbox.until_filled().now_or_never().is_some());
        assert_eq!(outbox.take().subjects, [subject]);
        // A change that comes while the notification of an earlier one is being sent needs another.
        let sending = outbox.take();
        outbox.add(subject);
        drop(sending);
        assert_eq!(outbox.take().subjects, [subject]);
    }

    #[test]
    fn subjects_that_are_being_sent_are_not_yet_sent() {
        let outbox = Outbox::default();
        let is_sent = || outbox.until_sent().now_or_never().is_some();
        assert!(is_sent());
        outbox.add(Uuid::now_v7());
        assert!(!is_sent());
        let sending = outbox.take();
        assert!(!is_sent());
        drop(sending);
        assert!(is_sent());
    }

    #[test]
    fn an_outage_keeps_a_bounded_number_of_subjects() {
        let outbox = Outbox::default();
        for _ in 0..2 * CAPACITY {
            outbox.add(Uuid::now_v7());
        }
        assert_eq!(outbox.take().subjects.len(), CAPACITY);
    }
}
