//! Helpers: a backend as a process, a user, an event stream, and waiting for a condition.

mod backend;
mod database;
mod events;
mod user;

pub use backend::{Backend, SECRET_KEY};
pub use database::{migrate, url};
pub use events::EventStream;
pub use user::{Answer, Reply, User};

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The time limit of every wait, which no test reaches even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Polls until there is a value, at most for [`TIMEOUT`]. The description is for the failure message.
pub async fn wait_until<T>(description: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + TIMEOUT;
    loop {
        if let Some(value) = poll().await {
            return value;
        }
        assert!(Instant::now() < end, "waited {TIMEOUT:?} in vain: {description}");
        sleep(Duration::from_millis(20)).await;
    }
}
