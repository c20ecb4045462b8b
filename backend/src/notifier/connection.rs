//! The connection that carries wakes between processes, in both directions.

use std::{io::ErrorKind, time::Duration};

use sqlx::postgres::{PgListener, PgNotification};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::{outbox::Outbox, subscribers::Subscribers};
use crate::db::Database;

/// PostgreSQL's channel. A payload is the id of the subject that has changed.
const CHANNEL: &str = "wake";
/// Time between two notifications of this process, which collects subjects meanwhile.
const SEND_INTERVAL: Duration = Duration::from_millis(5);
/// Time between two questions for changes of which no wake has come.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3);
/// How long an answer may take on this connection. Without one it is made again: it may be silent for ever.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time before the connection is made again after an error.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Runs for as long as the service does.
pub async fn run(database: &Database, subscribers: &Subscribers, outbox: &Outbox) {
    loop {
        database.until_available().await;
        tokio::select! {
            // A connection that was open when the outage began may stay silent for ever.
            () = database.until_unavailable() => {}
            result = connect_and_exchange(database, subscribers, outbox) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "the connection for notifications failed");
                }
                sleep(RETRY_INTERVAL).await;
            }
        }
    }
}

/// Completes when the connection is lost.
async fn connect_and_exchange(database: &Database, subscribers: &Subscribers, outbox: &Outbox) -> sqlx::Result<()> {
    let mut listener = database.listener().await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // A lost wake costs less than waiting for the disk.
    sqlx::query!("set synchronous_commit = off").execute(&mut listener).await?;
    let process_id = sqlx::query_scalar!(r#"select pg_backend_pid() as "id!""#).fetch_one(&mut listener).await?;
    // Notifications may have been missed, so that every subscriber has to look.
    subscribers.wake_all();

    let mut send_at = Instant::now();
    let mut sweeps = interval(SWEEP_INTERVAL);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            notification = listener.try_recv() => match notification? {
                None => return Ok(()),
                // Subscribers of this process have been woken already.
                Some(own) if own.process_id() == process_id.cast_unsigned() => {}
                Some(notification) => pass_on(&notification, subscribers),
            },
            () = async { outbox.until_filled().await; sleep_until(send_at).await } => {
                answer(send(&mut listener, outbox)).await?;
                send_at = Instant::now() + SEND_INTERVAL;
            }
            _ = sweeps.tick() => answer(sweep(&mut listener, subscribers)).await?,
        }
    }
}

fn pass_on(notification: &PgNotification, subscribers: &Subscribers) {
    if let Ok(subject) = notification.payload().parse() {
        subscribers.wake(subject);
    }
}

async fn send(listener: &mut PgListener, outbox: &Outbox) -> sqlx::Result<()> {
    let sending = outbox.take();
    sqlx::query!(
        "select pg_notify($1, subject::text) from unnest($2::uuid[]) as subjects (subject)",
        CHANNEL,
        &sending.subjects
    )
    .execute(listener)
    .await?;
    Ok(())
}

/// Wakes subscribers that have not seen the newest change of their user, and those of users of whom a credential has
/// just expired, of which nobody sends a notification.
async fn sweep(listener: &mut PgListener, subscribers: &Subscribers) -> sqlx::Result<()> {
    let (subjects, positions): (Vec<_>, Vec<_>) = subscribers.positions().into_iter().unzip();
    let behind = sqlx::query_scalar!(
        r#"select subject as "subject!" from unnest($1::uuid[], $2::bigint[]) as seen (subject, position)
             left join users on users.id = subject
           where users.event_seq is distinct from position
           union all
           select user_id from credentials where expires_at between now() - make_interval(secs => $3) and now()"#,
        &subjects,
        &positions,
        (2 * (SWEEP_INTERVAL + ANSWER_TIMEOUT)).as_secs_f64()
    )
    .fetch_all(listener)
    .await?;
    for subject in behind {
        subscribers.wake(subject);
    }
    Ok(())
}

async fn answer<T>(statement: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(ANSWER_TIMEOUT, statement).await.unwrap_or_else(|_| Err(std::io::Error::from(ErrorKind::TimedOut).into()))
}
