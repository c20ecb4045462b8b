//! Following a conversation's events.

use std::time::Duration;

use axum::response::Response;
use sqlx::PgPool;
use tokio::time::timeout;
use uuid::Uuid;

use super::super::{events, start::end_abandoned, state::Chat};
use crate::{
    accounts::Identity,
    http::{
        event_stream::{Batch, Event, EventLog, Next, Shutdown},
        slots::Slot,
    },
};

/// Streams the events after `position` until no run works on the conversation and all events have been sent.
pub fn follow(chat: &Chat, slot: Slot, identity: Identity, conversation_id: Uuid, position: i64) -> Response {
    let log = ConversationLog { chat: chat.clone(), identity, conversation_id, position };
    chat.dependencies().streams.stream(slot, conversation_id, log)
}

/// The events of a conversation.
struct ConversationLog {
    chat: Chat,
    identity: Identity,
    conversation_id: Uuid,
    /// Number of the last event that was sent.
    position: i64,
}

impl EventLog for ConversationLog {
    async fn read(&mut self, pool: &PgPool) -> sqlx::Result<Batch> {
        let changes = events::since(pool, self.identity, self.conversation_id, self.position).await?;
        let Some(changes) = changes else { return Ok(Batch { events: Vec::new(), next: Next::End }) };
        // Numbers have no gaps: what is missing was cleaned away, and the client has to load the conversation again. It
        // learns so when it follows the conversation from its position.
        if (self.position + 1..).zip(&changes.events).any(|(number, row)| row.seq != number) {
            return Ok(Batch { events: Vec::new(), next: Next::End });
        }
        if let Some(last) = changes.events.last() {
            self.position = last.seq;
        }
        let next = match (self.position < changes.newest, changes.in_progress) {
            (true, _) => Next::Read,
            (false, true) => Next::Wait,
            (false, false) => Next::End,
        };
        let event = |row: &events::Row| Event::from_json(Some(row.seq), &row.name, row.data.get());
        Ok(Batch { events: changes.events.iter().map(event).collect(), next })
    }

    /// A turn of this replica writes how it ends, which the stream sends as well. A turn of another replica goes on,
    /// and the client follows it there.
    async fn shut_down(&mut self) -> Shutdown {
        let _ = timeout(self.chat.dependencies().shutdown_timeout / 2, self.chat.wait_until_idle()).await;
        Shutdown::Drain
    }

    fn check_interval(&self) -> Option<Duration> {
        Some(self.chat.limits().renewal)
    }

    /// A replica that dies sends no notification.
    async fn check(&mut self) -> sqlx::Result<()> {
        end_abandoned(&self.chat, self.conversation_id).await
    }
}
