//! `GET /api/events`.

use std::sync::Arc;

use axum::{
    extract::{FromRef, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    changes::Page,
    feeds::{Feed, Feeds, News},
};
use crate::{
    accounts::{Accounts, Identity},
    http::{
        error::Result,
        event_stream::{Batch, Event, EventLog, EventStreams, Next, Shutdown},
        extract::Query,
        headers::last_event_id,
        problem::Problem,
    },
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    EventStreams: FromRef<S>,
    Feeds: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(events))
}

/// An event on the wire.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written")]
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
#[expect(dead_code, reason = "describes what is written")]
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
    responses((status = 200, body = StreamEvent, content_type = "text/event-stream"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn events(
    State(streams): State<EventStreams>,
    State(feeds): State<Feeds>,
    identity: Identity,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response> {
    let position = last_event_id(&headers, query.last_event_id)?;
    let slot = streams.slot(identity.user_id)?;
    let Identity { user_id, credential_id, .. } = identity;
    let log = TaskLog { feed: feeds.of_user(user_id), credential_id, page: None, position, hello_sent: false };
    Ok(streams.stream(slot, user_id, log))
}

/// The changes of a user's tasks.
struct TaskLog {
    feed: Arc<Feed>,
    credential_id: Uuid,
    /// The page that is being sent.
    page: Option<Arc<Page>>,
    /// Number of the last change that was sent.
    position: Option<i64>,
    /// Whether `hello` was sent.
    hello_sent: bool,
}

impl EventLog for TaskLog {
    async fn read(&mut self, pool: &PgPool) -> sqlx::Result<Batch> {
        // Other streams of the user may still send the page; this one has sent it.
        self.page = None;
        let Some(News { newest, page }) = self.feed.read(pool, self.credential_id, self.position).await? else {
            return Ok(Batch { events: vec![bye("signed_out")], next: Next::End });
        };
        let position = self.position.unwrap_or(newest);
        let mut batch = Batch { events: Vec::new(), next: Next::Wait };
        if !self.hello_sent {
            batch.events.push(Event::new(Some(position), "hello", &json!({})));
        }
        self.position = Some(position);
        if let Some(page) = page {
            batch.events.extend(page.events.iter().cloned());
            if page.end < newest {
                batch.next = Next::Read;
            }
            self.position = Some(page.end);
            self.page = Some(page);
        }
        self.hello_sent = true;
        Ok(batch)
    }

    fn position(&self) -> Option<i64> {
        self.position
    }

    async fn shut_down(&mut self) -> Shutdown {
        Shutdown::FinalEvent(bye("shutdown"))
    }
}

fn bye(reason: &str) -> Event {
    Event::new(None, "bye", &json!({ "reason": reason }))
}
