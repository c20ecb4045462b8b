//! Conversations with a language model that works on the user's tasks. Uses `tools`, `tasks`, `accounts` and the shared
//! rooms.
//!
//! A turn runs as a task of its own, bound to no request (`turn`), and writes every message, piece of text and tool
//! call as it happens (`transcript`), each with a numbered event. Every stream reads the events after its position
//! (`events`), so live and resumed streams, here and on another replica, are the same. A lease says which replica
//! works on a conversation; when it has expired, the next request or stream that reads the conversation ends the turn
//! as interrupted (`start`).

mod budget;
mod config;
mod conversations;
mod error;
mod events;
mod history;
mod message;
mod metrics;
mod model;
mod prompt;
mod routes;
mod start;
mod state;
mod tool_calls;
mod transcript;
mod turn;

use sqlx::PgPool;

pub use config::{Budget, ChatConfig, Limits};
pub use message::{ChatError, ChatMessageEnd, ChatMessageStart, ChatTextDelta, ChatToolStep};
pub use routes::router;
pub use state::{Chat, Dependencies};

/// Removes old events and counts of what was used, at most `limit` of each, and gives the number of removed rows.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    Ok(events::remove_expired(pool, limit).await? + budget::remove_expired(pool, limit).await?)
}
