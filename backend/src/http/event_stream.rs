//! Server-sent events out of a numbered log in the database, the same for every log.
//!
//! A stream reads the log after its position, sends what is new, and waits for a notification. A notification carries
//! no content, so a stream that resumes after `Last-Event-ID` does the same as one that goes on: nothing is lost, and
//! nothing is sent twice.

use std::{convert::Infallible, time::Duration};

use axum::response::{Sse, sse};
use futures_util::Stream;
use prometheus::{IntGauge, Registry};
use serde::Serialize;
use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    db::Database,
    notifier::Notifier,
    telemetry::metrics::{GaugeGuard, registered},
};

/// Time between two comments on a silent stream: proxies cut connections that stay silent.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// One event of a log.
#[derive(Debug)]
pub struct Event {
    /// Its number in the log; `None` for an event that only this stream has.
    pub id: Option<i64>,
    pub name: String,
    /// JSON.
    pub data: String,
}

impl Event {
    /// # Panics
    /// When `data` is of a type that JSON cannot express.
    pub fn new(id: Option<i64>, name: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).expect("event data is always valid JSON");
        Self { id, name: name.to_owned(), data }
    }
}

impl From<Event> for sse::Event {
    fn from(event: Event) -> Self {
        let message = Self::default().event(event.name);
        let message = if let Some(id) = event.id { message.id(id.to_string()) } else { message };
        message.data(event.data)
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
    /// Read on at once: the batch was not all that is new.
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
}

impl EventStreams {
    pub fn new(
        registry: &Registry,
        database: Database,
        notifier: Notifier,
        shutdown: CancellationToken,
    ) -> prometheus::Result<Self> {
        let open = registered(registry, IntGauge::new("event_streams", "Open event streams")?)?;
        Ok(Self { database, notifier, shutdown, open })
    }

    /// The number of open streams.
    pub fn count(&self) -> i64 {
        self.open.get()
    }

    /// Streams the log to a client. Notifications of `subject` say that the log has grown.
    pub fn stream<L: EventLog>(
        &self,
        subject: Uuid,
        log: L,
    ) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>> + use<L>> {
        Sse::new(follow(self.clone(), subject, log))
    }
}

fn follow(
    streams: EventStreams,
    subject: Uuid,
    mut log: impl EventLog,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    async_stream::stream! {
        let _open = GaugeGuard::new(&streams.open);
        // The subscription comes before the first reading, so that nothing falls between that and the first wait.
        let mut subscription = streams.notifier.subscribe(subject);
        let mut stopping = false;
        let mut heartbeat = interval(HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut last_read = Instant::now();
        loop {
            let pool = streams.database.pool();
            match streams.database.while_available(log.read(&pool)).await {
                Ok(Batch { events, next }) => {
                    for event in events {
                        yield Ok(event.into());
                    }
                    match next {
                        Next::Read => continue,
                        Next::Wait if !stopping => last_read = Instant::now(),
                        Next::Wait | Next::End => break,
                    }
                }
                // The next notification comes when the database is available again.
                Err(error) => tracing::debug!(%error, "an event stream could not read its log"),
            }
            tokio::select! {
                () = streams.shutdown.cancelled(), if !stopping => match log.shut_down().await {
                    Shutdown::FinalEvent(event) => {
                        yield Ok(event.into());
                        break;
                    }
                    Shutdown::Drain => stopping = true,
                },
                () = subscription.notified() => {}
                () = at(log.check_interval().map(|interval| last_read + interval)) => {
                    if let Err(error) = log.check().await {
                        tracing::debug!(%error, "an event stream could not check its log");
                    }
                    last_read = Instant::now();
                }
                _ = heartbeat.tick() => yield Ok(sse::Event::default().comment("")),
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
