//! Distributes the database's notifications to the tasks of this process that wait for them. Uses `db`.

mod subscribers;

use std::time::Duration;

use uuid::Uuid;

use subscribers::Subscribers;
pub use subscribers::Subscription;

use crate::db::Database;

/// PostgreSQL's channel. A payload is the id of the subject that has changed.
const CHANNEL: &str = "wake";
/// Time before the connection is made again after an error.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Wakes the subscribers in this process. A clone wakes the same subscribers.
#[derive(Clone, Default)]
pub struct Notifier(Subscribers);

impl Notifier {
    /// `subject` is a user, or a conversation or a run of the chat.
    pub fn subscribe(&self, subject: Uuid) -> Subscription {
        self.0.subscribe(subject)
    }

    /// Passes on the database's notifications for as long as the service runs, over any number of outages.
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
            // Notifications may have been missed, so that every subscriber has to look.
            self.0.wake_all();
            while let Some(notification) = listener.try_recv().await? {
                if let Ok(subject) = notification.payload().parse() {
                    self.0.wake(subject);
                }
            }
        }
    }
}
