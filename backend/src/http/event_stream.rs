//! Server-sent events out of a numbered log in the database, the same for every log.
//!
//! A stream reads the log after its position, sends what is new, and waits for a notification. A notification carries
//! no content, so a stream that resumes after `Last-Event-ID` does the same as one that goes on: nothing is lost, and
//! nothing is sent twice.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::Stream;
use prometheus::{IntGauge, Registry};
use serde::Serialize;
use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::slots::{Refused, Slot, Slots};
use crate::{
    db::Database,
    notifier::Notifier,
    telemetry::metrics::{GaugeGuard, registered},
};

/// Time between two comments on a silent stream: proxies cut connections that stay silent.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// Time before a log is read again after an error.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A comment, which clients ignore.
static HEARTBEAT: Bytes = Bytes::from_static(b": \n\n");

/// One event of a log, as it is sent. A clone shares the bytes.
#[derive(Clone, Debug)]
pub struct Event(Bytes);

impl Event {
    /// `id` is its number in the log; `None` for an event that only this stream has.
    ///
    /// # Panics
    /// When `data` is of a type that JSON cannot express.
    pub fn new(id: Option<i64>, name: &str, data: &impl Serialize) -> Self {
        Self::from_json(id, name, &serde_json::to_string(data).expect("event data is always valid JSON"))
    }

    pub fn from_json(id: Option<i64>, name: &str, json: &str) -> Self {
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        // Data ends with its line. In JSON, a line break is always space between two tokens.
        let data = json.replace(['\r', '\n'], " ");
        Self(format!("event: {name}\n{id}data: {data}\n\n").into())
    }
}

/// What one reading of a log gave.
pub struct Batch {
    pub events: Vec<Event>,
    pub next: Next,
}

/// What a stream does after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read on at once: the batch was not all that is new. A batch without an event would be read again and again, so
    /// that it ends the stream.
    Read,
    /// Wait for a notification.
    Wait,
    /// End the stream.
    End,
}

/// What a stream still sends when the service stops.
pub enum Shutdown {
    /// This event, and then it ends.
    FinalEvent(Event),
    /// The rest of the log, and then it ends.
    Drain,
}

/// A log that one client follows, with the position of that client.
pub trait EventLog: Send + 'static {
    /// Reads what comes after the position, and moves the position.
    fn read(&mut self, pool: &PgPool) -> impl Future<Output = sqlx::Result<Batch>> + Send;

    /// Called once when the service stops.
    fn shut_down(&mut self) -> impl Future<Output = Shutdown> + Send;

    /// Number of the last change of the subject, which is a user, that was read. `None` if the log finds changes without
    /// a wake by itself.
    fn position(&self) -> Option<i64> {
        None
    }

    /// How long nothing may be read before [`EventLog::check`] is called; `None` for never.
    fn check_interval(&self) -> Option<Duration> {
        None
    }

    /// Looks for a change that nobody sends a notification of.
    fn check(&mut self) -> impl Future<Output = sqlx::Result<()>> + Send {
        async { Ok(()) }
    }
}

/// The event streams of this process. A clone refers to the same streams.
#[derive(Clone)]
pub struct EventStreams {
    database: Database,
    notifier: Notifier,
    /// Cancelled when streams should end.
    shutdown: CancellationToken,
    open: IntGauge,
    slots: Slots,
}

impl EventStreams {
    /// A stream that its client does not read keeps up to a page of its log in memory.
    pub fn new(
        registry: &Registry,
        database: Database,
        notifier: Notifier,
        shutdown: CancellationToken,
        max_streams: usize,
        streams_per_user: usize,
    ) -> prometheus::Result<Self> {
        let open = registered(registry, IntGauge::new("event_streams", "Open event streams")?)?;
        let slots = Slots::new("streams", max_streams, streams_per_user);
        Ok(Self { database, notifier, shutdown, open, slots })
    }

    /// The number of open streams.
    pub fn count(&self) -> i64 {
        self.open.get()
    }

    /// Takes a slot for a stream of a user, which is bounded whatever is streamed: events, or a file.
    pub fn slot(&self, user_id: Uuid) -> Result<Slot, Refused> {
        self.slots.take(user_id)
    }

    /// Streams the log to a client. Notifications of `subject` say that the log has grown.
    pub fn stream(&self, slot: Slot, subject: Uuid, log: impl EventLog) -> Response {
        let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
        (headers, Body::from_stream(follow(self.clone(), slot, subject, log))).into_response()
    }
}

fn follow(
    streams: EventStreams,
    slot: Slot,
    subject: Uuid,
    mut log: impl EventLog,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        let (_open, _slot) = (GaugeGuard::new(&streams.open), slot);
        // The subscription comes before the first reading, so that nothing falls between that and the first wait.
        let subscription = streams.notifier.subscribe(subject);
        let mut stopping = false;
        let mut heartbeat = interval(HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut last_read = Instant::now();
        'reading: loop {
            let pool = streams.database.pool();
            let mut retry_at = None;
            match streams.database.while_available(log.read(&pool)).await {
                Ok(Batch { events, next }) => {
                    let is_empty = events.is_empty();
                    for Event(bytes) in events {
                        yield Ok(bytes);
                    }
                    match next {
                        Next::Read if is_empty => break,
                        Next::Read => continue,
                        Next::Wait if !stopping => {
                            last_read = Instant::now();
                            if let Some(position) = log.position() {
                                subscription.set_position(position);
                            }
                        }
                        Next::Wait | Next::End => break,
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "an event stream could not read its log");
                    retry_at = Some(Instant::now() + RETRY_INTERVAL);
                }
            }
            loop {
                tokio::select! {
                    () = streams.shutdown.cancelled(), if !stopping => match log.shut_down().await {
                        Shutdown::FinalEvent(Event(bytes)) => {
                            yield Ok(bytes);
                            break 'reading;
                        }
                        Shutdown::Drain => stopping = true,
                    },
                    () = subscription.notified() => {}
                    () = at(retry_at) => {}
                    () = at(log.check_interval().map(|interval| last_read + interval)) => {
                        if let Err(error) = log.check().await {
                            tracing::debug!(%error, "an event stream could not check its log");
                        }
                        last_read = Instant::now();
                    }
                    _ = heartbeat.tick() => {
                        yield Ok(HEARTBEAT.clone());
                        continue;
                    }
                }
                break;
            }
        }
    }
}

/// Completes at this time; never without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
