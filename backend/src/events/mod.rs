//! Live changes of a user's own tasks as server-sent events, from every replica.
//!
//! Triggers in the database number each user's changes in commit order (table `task_events`) and notify the channel
//! `wake`. A notification carries no content: it makes the user's streams look into the table, from the number they
//! are at. Resuming after `Last-Event-ID` is the same look, so nothing is lost or told twice.

mod log;

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{Sse, sse::Event},
};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    accounts::identity::Identity,
    http::{
        error::{Error, Result},
        extract::Query,
    },
    server::state::AppState,
    tasks::Task,
    telemetry::metrics::GaugeGuard,
};
use log::Look;

/// Proxies cut connections that stay silent.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events))
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Kind {
    Created,
    Updated,
    Deleted,
    Restored,
}

/// Data of a `task` event.
#[derive(Serialize, ToSchema)]
pub struct TaskEvent {
    kind: Kind,
    ids: Vec<Uuid>,
    /// Those of the tasks that still exist, as they are now.
    tasks: Vec<Task>,
}

/// An event on the wire.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what axum writes")]
struct StreamEvent {
    #[schema(inline)]
    event: EventName,
    /// Number of the last change that has been told; missing in `bye`.
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
    State(state): State<AppState>,
    identity: Identity,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let last_seen = last_seen(&headers, query.last_event_id)?;
    Ok(Sse::new(stream(state, identity, last_seen)))
}

/// The header is from the browser's own reconnecting, and newer than the address.
pub fn last_seen(headers: &HeaderMap, in_query: Option<i64>) -> Result<Option<i64>> {
    if in_query.is_some_and(|number| number < 0) {
        return Err(Error::invalid("last_event_id", "must be the id of an event"));
    }
    let Some(value) = headers.get("last-event-id") else { return Ok(in_query) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
    number.map(Some).ok_or_else(|| Error::invalid("Last-Event-ID", "must be the id of an event"))
}

fn stream(
    state: AppState,
    identity: Identity,
    last_seen: Option<i64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let _open = GaugeGuard::new(&state.metrics.event_streams);
        // Before the first look, so that nothing falls between it and the first wait.
        let mut wakes = state.wakes.subscribe(identity.user_id);
        let stopping = state.wakes.stopping();
        let mut position = last_seen;
        let mut greeted = false;
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        loop {
            let pool = state.pool();
            match state.database.while_there(log::look(&pool, identity, position)).await {
                Ok(Look::SignedOut) => {
                    yield Ok(event("bye", &json!({ "reason": "signed_out" })));
                    break;
                }
                Ok(Look::Changes { newest, missed, events }) => {
                    if !greeted {
                        greeted = true;
                        yield Ok(event("hello", &json!({})).id(position.unwrap_or(newest).to_string()));
                    }
                    for (seq, change) in events {
                        yield Ok(event("task", &change).id(seq.to_string()));
                    }
                    if missed {
                        yield Ok(event("resync", &json!({})).id(newest.to_string()));
                    }
                    position = Some(newest);
                }
                // The next wake comes with the database.
                Err(error) => tracing::debug!(%error, "event stream could not look"),
            }
            tokio::select! {
                () = stopping.cancelled() => {
                    yield Ok(event("bye", &json!({ "reason": "shutdown" })));
                    break;
                }
                () = wakes.next() => {}
                _ = heartbeat.tick() => yield Ok(Event::default().comment("")),
            }
        }
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("event data is always valid JSON")
}
