//! How much a user may store. Triggers of the table refuse a change that exceeds it, whichever way it comes.

use crate::db::violates;

/// The limits of one user. A deleted task counts until it is removed.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub tasks: u32,
    /// Titles and descriptions, in bytes of UTF-8.
    pub bytes: u32,
}

impl Quota {
    /// The settings of a connection that the triggers read.
    pub fn connection_settings(self) -> [(&'static str, String); 2] {
        [("todo.max_tasks_per_user", self.tasks.to_string()), ("todo.max_task_bytes_per_user", self.bytes.to_string())]
    }
}

/// The limit that a change would exceed, as the trigger states it.
#[derive(Debug, thiserror::Error)]
pub enum QuotaReached {
    #[error(
        "Your quota of tasks is reached: {0}. A deleted task counts until it is removed, 24 hours later. \
         Delete tasks that you do not need, and try again after that."
    )]
    Tasks(String),
    #[error(
        "Your quota of text is reached: {0}. A deleted task counts until it is removed, 24 hours later. \
         Shorten descriptions, or delete tasks and try again after that."
    )]
    Bytes(String),
}

impl QuotaReached {
    /// `None` if the statement failed for another reason.
    pub fn from_refusal(error: &sqlx::Error) -> Option<Self> {
        let quota = if violates(error, "max_tasks_per_user") {
            Self::Tasks
        } else if violates(error, "max_task_bytes_per_user") {
            Self::Bytes
        } else {
            return None;
        };
        error.as_database_error().map(|refusal| quota(refusal.message().to_owned()))
    }
}
