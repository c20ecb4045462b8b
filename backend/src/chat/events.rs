//! Reading a conversation's numbered events.

use serde_json::value::RawValue;
use sqlx::{PgPool, types::Json};
use uuid::Uuid;

use super::error::Error;
use crate::accounts::Identity;

/// Events that are read at a time.
const PAGE_SIZE: i64 = 200;
/// Bytes of events that are read at a time, unless one event has more.
const PAGE_BYTES: i64 = 128 * 1024;

/// What has happened since a position.
pub struct Changes {
    /// The first of the events after the position, up to a bound.
    pub events: Vec<Row>,
    /// Number of the newest event.
    pub newest: i64,
    /// Whether a run works on the conversation.
    pub in_progress: bool,
}

pub struct Row {
    pub seq: i64,
    pub name: String,
    pub data: Json<Box<RawValue>>,
}

/// Where a stream begins: after the event that the client saw last, or from now on. `None` when there is nothing to
/// follow.
pub async fn start_position(
    pool: &PgPool,
    user_id: Uuid,
    conversation_id: Uuid,
    last_seen: Option<i64>,
) -> Result<Option<i64>, Error> {
    let conversation = sqlx::query!(
        r#"select event_seq, run is not null as "at_work!",
             (select min(seq) from conversation_events where conversation_id = id) as oldest
           from conversations where id = $1 and user_id = $2"#,
        conversation_id,
        user_id
    )
    .fetch_optional(pool)
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

/// The events after `position`. `None` when the conversation is gone, or the credential is not valid any more.
pub async fn since(
    pool: &PgPool,
    identity: Identity,
    conversation_id: Uuid,
    position: i64,
) -> sqlx::Result<Option<Changes>> {
    let rows = sqlx::query!(
        r#"select event_seq as newest, run is not null as "in_progress!", next.seq as "seq?", next.name as "name?",
             next.data as "data?: Json<Box<RawValue>>"
           from conversations join credentials on credentials.user_id = conversations.user_id
             left join lateral (
               select seq, name, data from (
                 select *, sum(size) over (order by seq) as total from (
                   select seq, name, data, octet_length(data::text) as size from conversation_events
                   where conversation_id = $1 and seq > $3 order by seq limit $4
                 ) measured
               ) page
               where total <= $5 or total = size
             ) next on true
           where conversations.id = $1 and credentials.id = $2
             and (credentials.expires_at is null or credentials.expires_at > now())
           order by next.seq"#,
        conversation_id,
        identity.credential_id,
        position,
        PAGE_SIZE,
        PAGE_BYTES
    )
    .fetch_all(pool)
    .await?;
    let state = rows.first().map(|first| (first.newest, first.in_progress));
    let events =
        rows.into_iter().filter_map(|row| Some(Row { seq: row.seq?, name: row.name?, data: row.data? })).collect();
    Ok(state.map(|(newest, in_progress)| Changes { events, newest, in_progress }))
}

/// Removes events that are older than 24 hours, at most `limit`, and gives their number.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "with expired as
             (select conversation_id, seq from conversation_events where created_at < now() - interval '24 hours'
              limit $1 for update skip locked)
         delete from conversation_events events using expired
         where (events.conversation_id, events.seq) = (expired.conversation_id, expired.seq)",
        limit
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
