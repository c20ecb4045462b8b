//! From the database's notifications to the streams of this process.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::server::state::AppState;

const CHANNEL: &str = "wake";
const RETRY: Duration = Duration::from_millis(500);

#[derive(Clone, Copy)]
enum Wake {
    Subject(Uuid),
    /// Notifications may have been missed: everybody should look.
    Everybody,
}

/// Tells open streams when to look, and when to end.
pub struct Wakes {
    sender: Sender<Wake>,
    stopping: CancellationToken,
}

impl Default for Wakes {
    fn default() -> Self {
        Self { sender: Sender::new(1024), stopping: CancellationToken::new() }
    }
}

impl Wakes {
    /// `subject` is a user, or a conversation or a run of the chat.
    pub fn subscribe(&self, subject: Uuid) -> SubjectWakes {
        SubjectWakes { subject, receiver: self.sender.subscribe() }
    }

    /// Cancelled when streams should say goodbye.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    pub fn stop(&self) {
        self.stopping.cancel();
    }

    fn send(&self, wake: Wake) {
        // An error means that no stream is open.
        let _ = self.sender.send(wake);
    }
}

/// The wakes of one subject.
pub struct SubjectWakes {
    subject: Uuid,
    receiver: Receiver<Wake>,
}

impl SubjectWakes {
    /// Completes when there may be something new about the subject.
    pub async fn next(&mut self) {
        loop {
            match self.receiver.recv().await {
                Ok(Wake::Subject(subject)) if subject != self.subject => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Listens for as long as the service runs, over any number of outages.
pub async fn listen(state: AppState) {
    loop {
        state.database.until_back().await;
        tokio::select! {
            // A connection that was open when the database went away may stay silent for ever.
            () = state.database.until_away() => {}
            result = forward(&state) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "listening for notifications failed");
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn forward(state: &AppState) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&state.pool()).await?;
    listener.listen(CHANNEL).await?;
    loop {
        state.wakes.send(Wake::Everybody);
        while let Some(notification) = listener.try_recv().await? {
            if let Ok(subject) = notification.payload().parse() {
                state.wakes.send(Wake::Subject(subject));
            }
        }
    }
}
