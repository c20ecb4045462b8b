//! Following a conversation's events.

use std::convert::Infallible;

use axum::response::sse::Event;
use futures_util::Stream;
use serde_json::value::RawValue;
use sqlx::types::Json;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::start::end_abandoned;
use crate::{
    accounts::identity::Identity,
    events::HEARTBEAT,
    http::error::{Error, Result},
    server::state::AppState,
    telemetry::metrics::GaugeGuard,
};

/// Events are read in pages of this size.
const PAGE: i64 = 200;

struct Look {
    events: Vec<Row>,
    /// Number of the newest event.
    newest: i64,
    at_work: bool,
}

struct Row {
    seq: i64,
    name: String,
    data: Json<Box<RawValue>>,
}

/// Where a stream begins; `None` when there is nothing to follow.
pub async fn find(state: &AppState, identity: Identity, id: Uuid, last_seen: Option<i64>) -> Result<Option<i64>> {
    let conversation = sqlx::query!(
        r#"select event_seq, run is not null as "at_work!",
             (select min(seq) from conversation_events where conversation_id = id) as oldest
           from conversations where id = $1 and user_id = $2"#,
        id,
        identity.user_id
    )
    .fetch_optional(&state.pool())
    .await?
    .ok_or(Error::NotFound)?;
    // A position after the newest belongs to another database.
    let position = last_seen.unwrap_or(conversation.event_seq).min(conversation.event_seq);
    let missed = position < conversation.event_seq;
    if missed && conversation.oldest.is_none_or(|oldest| position + 1 < oldest) {
        return Err(Error::EventsGone);
    }
    Ok((missed || conversation.at_work).then_some(position))
}

/// Tells the events after `position` until no run is at work and all is told.
pub fn stream(
    state: AppState,
    identity: Identity,
    id: Uuid,
    mut position: i64,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let _open = GaugeGuard::new(&state.metrics.event_streams);
        // Before the first look, so that nothing falls between it and the first wait.
        let mut wakes = state.wakes.subscribe(id);
        let stopping = state.wakes.stopping();
        let mut stopped = false;
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut looked = Instant::now();
        loop {
            let pool = state.pool();
            match state.database.while_there(look(&pool, identity, id, position)).await {
                // The conversation or the credential is gone.
                Ok(None) => break,
                Ok(Some(look)) => {
                    for event in look.events {
                        position = event.seq;
                        yield Ok(Event::default().event(event.name).id(event.seq.to_string()).data(event.data.get()));
                    }
                    if position < look.newest {
                        continue;
                    }
                    if !look.at_work || stopped {
                        break;
                    }
                    looked = Instant::now();
                }
                // The next wake comes with the database.
                Err(error) => tracing::debug!(%error, "chat stream could not look"),
            }
            tokio::select! {
                // Turns of this replica write how they end; a turn of another goes on, and is followed there.
                () = stopping.cancelled(), if !stopped => {
                    stopped = true;
                    let _ = timeout(state.config.shutdown_timeout / 2, state.chat.until_idle()).await;
                }
                () = wakes.next() => {}
                // A replica that dies wakes nobody.
                () = tokio::time::sleep_until(looked + state.config.chat.limits.renewal) => {
                    if let Err(error) = end_abandoned(&state, id).await {
                        tracing::debug!(%error, "chat stream could not look");
                    }
                    looked = Instant::now();
                }
                _ = heartbeat.tick() => yield Ok(Event::default().comment("")),
            }
        }
    }
}

/// What has happened after `position`; `None` when the user may not look any more.
async fn look(pool: &sqlx::PgPool, identity: Identity, id: Uuid, position: i64) -> sqlx::Result<Option<Look>> {
    let conversation = sqlx::query!(
        r#"select event_seq, run is not null as "at_work!" from conversations
             join credentials on credentials.user_id = conversations.user_id
           where conversations.id = $1 and credentials.id = $2
             and (credentials.expires_at is null or credentials.expires_at > now())"#,
        id,
        identity.credential_id
    )
    .fetch_optional(pool)
    .await?;
    let Some(conversation) = conversation else { return Ok(None) };
    let events = sqlx::query_as!(
        Row,
        r#"select seq, name, data as "data: Json<Box<RawValue>>" from conversation_events
           where conversation_id = $1 and seq > $2 and seq <= $3 order by seq limit $4"#,
        id,
        position,
        conversation.event_seq,
        PAGE
    )
    .fetch_all(pool)
    .await?;
    Ok(Some(Look { events, newest: conversation.event_seq, at_work: conversation.at_work }))
}
