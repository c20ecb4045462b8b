//! Conversations with a language model that works on the user's tasks.
//!
//! The database is the log, as for [`crate::events`]: a `turn` is a task of its own, bound to no request, that writes
//! every message, piece of text and tool call as it happens, each with a numbered event. Every `stream`, also that of
//! the request which started the turn, looks after the events that come after its position, so live and resumed, here
//! and on another replica, are the same. A lease says which replica is at work; when it runs out, whoever looks ends
//! the turn as interrupted. `docs/architecture.md` tells the whole.

mod config;
mod conversations;
mod history;
mod log;
mod message;
mod metrics;
mod model;
mod prompt;
mod routes;
mod start;
mod stream;
mod tools;
mod turn;

pub use config::{ChatConfig, Limits};
pub use message::{ChatError, ChatMessageEnd, ChatMessageStart, ChatTextDelta, ChatToolStep};
pub use metrics::ChatMetrics;

use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    http::error::{Error, Result},
    server::state::AppState,
};
use model::Model;

pub fn router() -> OpenApiRouter<AppState> {
    routes::router().merge(conversations::router())
}

/// What the chat needs in every process.
pub struct Chat {
    model: Option<Model>,
    /// The turns at work in this process.
    turns: TaskTracker,
}

impl Chat {
    pub fn new(config: &ChatConfig) -> anyhow::Result<Self> {
        let model = config.is_complete().then(|| Model::new(config)).transpose()?;
        Ok(Self { model, turns: TaskTracker::new() })
    }

    fn model(&self) -> Result<&Model> {
        self.model.as_ref().ok_or(Error::ChatNotConfigured)
    }

    /// Completes when no turn is at work in this process. To be called when streams have been told to end, which turns
    /// take notice of as well.
    pub async fn until_idle(&self) {
        self.turns.close();
        self.turns.wait().await;
    }
}
