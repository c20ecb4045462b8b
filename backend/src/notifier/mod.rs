//! Wakes the tasks that wait for a change, in this process and in every other one. Uses `db`.
//!
//! Who has committed a change calls [`Notifier::wake`]. Subscribers in this process are woken at once, and those of
//! other processes by a notification of the database (`connection`), which carries many subjects (`outbox`). It is not
//! sent in the transaction of the change, because PostgreSQL lets transactions with notifications commit only one after
//! the other. A wake that is lost, for example with the process that should have sent it, is made up for: each process
//! asks every few seconds which of its subscribers have not seen the newest change.

mod connection;
mod outbox;
mod subscribers;

use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use outbox::Outbox;
use subscribers::Subscribers;

pub use subscribers::Subscription;

use crate::db::Database;

/// The setting of a connection whose writers call [`Notifier::wake`] after the commit. For any other writer, the triggers
/// of the database notify in the transaction.
pub const CONNECTION_SETTING: (&str, &str) = ("todo.notifies_after_commit", "on");
/// How long a process that stops may take to send its last wakes.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Wakes the subscribers of a subject: a user, or a conversation or a run of the chat. A clone wakes the same.
#[derive(Clone, Default)]
pub struct Notifier {
    subscribers: Subscribers,
    outbox: Outbox,
}

impl Notifier {
    pub fn subscribe(&self, subject: Uuid) -> Subscription {
        self.subscribers.subscribe(subject)
    }

    /// Wakes the subscribers in every process. Called after the commit of a change.
    pub fn wake(&self, subject: Uuid) {
        self.subscribers.wake(subject);
        self.outbox.add(subject);
    }

    /// Connects this process with the others for as long as the service runs, over any number of outages.
    pub async fn listen(self, database: Database) {
        connection::run(&database, &self.subscribers, &self.outbox).await;
    }

    /// Completes when other processes have been told of every change so far, or cannot be told.
    pub async fn flush(&self, database: &Database) {
        tokio::select! {
            () = database.until_unavailable() => {}
            // What was not sent in time, other processes find by themselves.
            _ = timeout(FLUSH_TIMEOUT, self.outbox.until_sent()) => {}
        }
    }
}
