//! Conversations with a language model that works on the user's tasks. Uses `tools`, `tasks`, `accounts` and the shared
//! rooms.
//!
//! A turn runs as a task of its own, bound to no request (`turn`), and writes every message, piece of text and tool
//! call as it happens (`transcript`), each with a numbered event. Every stream reads the events after its position
//! (`events`), so live and resumed streams, here and on another replica, are the same. A lease says which replica
//! works on a conversation; when it has expired, the next request or stream that reads the conversation ends the turn
//! as interrupted (`start`).

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

pub use config::{ChatConfig, Limits};
pub use events::remove_expired;
pub use message::{ChatError, ChatMessageEnd, ChatMessageStart, ChatTextDelta, ChatToolStep};
pub use routes::router;
pub use state::{Chat, Dependencies};
