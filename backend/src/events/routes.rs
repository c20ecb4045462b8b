//! `GET /api/events`.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, State},
    http::HeaderMap,
    response::{Sse, sse},
};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::changes::{self, Changes};
use crate::{
    accounts::{Accounts, Identity},
    http::{
        error::Result,
        event_stream::{Batch, Event, EventLog, EventStreams, Next, Shutdown},
        extract::Query,
        headers::last_event_id,
    },
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    EventStreams: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(events))
}

/// An event on the wire.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what axum writes")]
struct StreamEvent {
    #[schema(inline)]
    event: EventName,
    /// Number of the last change that was sent; missing in `bye`.
    id: Option<String>,
    /// JSON: for `task` a `TaskEvent`, for `bye` an object with the `reason`, else an empty object.
    data: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes what axum writes")]
enum EventName {
    Hello,
    Task,
    Resync,
    Bye,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Like the `Last-Event-ID` header, for clients that cannot set it.
    #[param(minimum = 0)]
    last_event_id: Option<i64>,
}

/// Changes of your tasks as they happen
///
/// Events: `hello` at the start; `task` with a `TaskEvent`; `resync` when too much was missed and everything should be
/// fetched anew; `bye` before the server ends the stream, with a reason: `shutdown` (reconnect) or `signed_out`
/// (do not).
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,18}$",
        description = "Number of the last event that was seen")),
    responses((status = 200, body = StreamEvent, content_type = "text/event-stream")))]
async fn events(
    State(streams): State<EventStreams>,
    identity: Identity,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>> {
    let position = last_event_id(&headers, query.last_event_id)?;
    Ok(streams.stream(identity.user_id, TaskLog { identity, position, hello_sent: false }))
}

/// The changes of a user's tasks.
struct TaskLog {
    identity: Identity,
    /// Number of the last change that was sent.
    position: Option<i64>,
    /// Whether `hello` was sent.
    hello_sent: bool,
}

impl EventLog for TaskLog {
    async fn read(&mut self, pool: &PgPool) -> sqlx::Result<Batch> {
        let Changes::Since { newest, missed, events: changes } =
            changes::since(pool, self.identity, self.position).await?
        else {
            return Ok(Batch { events: vec![bye("signed_out")], next: Next::End });
        };
        let mut events = Vec::new();
        if !self.hello_sent {
            self.hello_sent = true;
            events.push(Event::new(Some(self.position.unwrap_or(newest)), "hello", &json!({})));
        }
        events.extend(changes.iter().map(|(seq, change)| Event::new(Some(*seq), "task", change)));
        if missed {
            events.push(Event::new(Some(newest), "resync", &json!({})));
        }
        self.position = Some(newest);
        Ok(Batch { events, next: Next::Wait })
    }

    async fn shut_down(&mut self) -> Shutdown {
        Shutdown::FinalEvent(bye("shutdown"))
    }
}

fn bye(reason: &str) -> Event {
    Event::new(None, "bye", &json!({ "reason": reason }))
}
