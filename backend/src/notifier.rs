//! Distributes the database's notifications to the tasks of this process that wait for them. Uses `db`.

use std::time::Duration;

use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};
use uuid::Uuid;

use crate::db::Database;

/// PostgreSQL's channel. A payload is the id of the subject that has changed.
const CHANNEL: &str = "wake";
/// Time before the connection is made again after an error.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Notifications that a slow subscriber may fall behind. Beyond that it learns only that something has changed.
const CAPACITY: usize = 1024;

#[derive(Clone, Copy)]
enum Notification {
    Subject(Uuid),
    /// Notifications may have been missed, so that every subscriber has to look.
    All,
}

/// Publishes notifications to the subscribers in this process. A clone publishes to the same subscribers.
#[derive(Clone)]
pub struct Notifier(Sender<Notification>);

impl Default for Notifier {
    fn default() -> Self {
        Self(Sender::new(CAPACITY))
    }
}

impl Notifier {
    /// `subject` is a user, or a conversation or a run of the chat.
    pub fn subscribe(&self, subject: Uuid) -> Subscription {
        Subscription { subject, receiver: self.0.subscribe() }
    }

    /// Publishes the database's notifications for as long as the service runs, over any number of outages.
    pub async fn listen(self, database: Database) {
        loop {
            database.until_available().await;
            tokio::select! {
                // A connection that was open when the outage began may stay silent for ever.
                () = database.until_unavailable() => {}
                result = self.forward(&database) => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "listening for notifications failed");
                    }
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }

    async fn forward(&self, database: &Database) -> sqlx::Result<()> {
        let mut listener = database.listener().await?;
        listener.listen(CHANNEL).await?;
        loop {
            self.publish(Notification::All);
            while let Some(notification) = listener.try_recv().await? {
                if let Ok(subject) = notification.payload().parse() {
                    self.publish(Notification::Subject(subject));
                }
            }
        }
    }

    fn publish(&self, notification: Notification) {
        // An error means that nobody has subscribed.
        let _ = self.0.send(notification);
    }
}

/// The notifications of one subject, from the subscription on.
pub struct Subscription {
    subject: Uuid,
    receiver: Receiver<Notification>,
}

impl Subscription {
    /// Completes when the subject may have changed. Notifications carry no content: the caller reads what is new.
    pub async fn notified(&mut self) {
        loop {
            match self.receiver.recv().await {
                Ok(Notification::Subject(subject)) if subject != self.subject => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_subscriber_is_notified_of_its_subject_and_of_all() {
        let (notifier, subject) = (Notifier::default(), Uuid::now_v7());
        let mut subscription = notifier.subscribe(subject);
        notifier.publish(Notification::Subject(Uuid::now_v7()));
        assert!(subscription.notified().now_or_never().is_none());
        for notification in [Notification::Subject(subject), Notification::All] {
            notifier.publish(notification);
            assert!(subscription.notified().now_or_never().is_some());
        }
    }
}
