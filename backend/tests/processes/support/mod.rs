//! What the tests share: a backend as a process, a user of it, an event stream, waiting.

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

/// Longer than anything here takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Asks until there is an answer, at most for [`LIMIT`].
pub async fn until<T>(awaited: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited {LIMIT:?} in vain: {awaited}");
        sleep(Duration::from_millis(20)).await;
    }
}
