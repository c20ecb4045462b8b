//! The database stops, and starts again.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use sqlx::{Connection, Executor, PgConnection};
use todo::postgres::Server;
use tokio::time::timeout;

use crate::support::{Answer, Backend, Reply, TIMEOUT, User, migrate, wait_until};

/// The longest time to an answer while the database is known to be unavailable.
const MAX_REFUSAL_TIME: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_database_gets_503_until_it_starts_again() {
    let mut postgres = Server::throwaway().await.unwrap();
    let url = postgres.create_database("todo").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    // A throwaway server confirms a commit before it is on disk, and would lose it in a crash.
    connection.execute("alter database todo set synchronous_commit = on").await.unwrap();
    connection.close().await.unwrap();
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    let mut events = user.events(&backend.url).await;
    let load = user.load(&backend.url, 16);

    assert_metrics(&backend, true).await;
    postgres.stop().await.unwrap();
    let reason = backend.wait_until_unready().await;
    assert_eq!(reason, "the database cannot be reached");
    assert_unavailable(&backend, &user).await;
    assert_metrics(&backend, false).await;
    postgres.start().await.unwrap();
    backend.wait_until_ready().await;
    assert_metrics(&backend, true).await;
    wait_until_served(&backend, &user).await;

    postgres.crash().await.unwrap();
    backend.wait_until_unready().await;
    assert_unavailable(&backend, &user).await;
    postgres.start().await.unwrap();
    backend.wait_until_ready().await;
    wait_until_served(&backend, &user).await;

    let answers = load.finish().await;
    assert_orderly("database stopped and crashed", &answers);
    assert_none_lost(&backend, &user, &answers).await;
    // The next task reaches the stream that was open during the outages.
    let task = user.create(&backend.url, "after the outages").await;
    events.wait_for_tasks(vec![task]).await;
}

/// Asserts that the service answers at once while the database is known to be unavailable.
pub async fn assert_unavailable(backend: &Backend, user: &User) {
    assert_eq!(backend.get("/health").await.status(), StatusCode::OK);
    let started = Instant::now();
    let answer = user.get(format!("{}/api/tasks", backend.url)).await;
    let took = started.elapsed();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(took < MAX_REFUSAL_TIME, "the database is known to be unavailable, but the answer took {took:?}");
}

/// Asserts that the metrics have statistics of the database only while it is available.
async fn assert_metrics(backend: &Backend, available: bool) {
    let metrics = reqwest::get(format!("{}/metrics", backend.metrics_url)).await.unwrap().text().await.unwrap();
    let value = u8::from(available);
    assert!(metrics.contains(&format!("\ndatabase_up {value}\n")), "{metrics}");
    assert!(metrics.contains(&format!("\nready {value}\n")), "{metrics}");
    assert_eq!(metrics.contains("pg_stat_database_numbackends"), available, "{metrics}");
}

/// Waits until tasks can be read again. Readiness is earlier, since it has its own connection.
pub async fn wait_until_served(backend: &Backend, user: &User) {
    let served = wait_until("tasks can be read again", async || {
        let answer = user.get(format!("{}/api/tasks", backend.url)).await;
        (answer.status() == StatusCode::OK).then_some(())
    });
    let in_time = timeout(TIMEOUT, served).await.is_ok();
    assert!(in_time, "tasks cannot be read again:\n{}", backend.log());
}

/// Asserts that every request got a success or a 503 `unavailable`, and that there were both. No request reached the
/// time limit of requests, and most refusals were immediate.
pub fn assert_orderly(situation: &str, answers: &[Answer]) {
    let mut refusals = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.succeeded()) {
        match &answer.outcome {
            Ok(Reply { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: Some(_), body })
                if body["code"] == "unavailable" =>
            {
                refusals.push(answer.took);
            }
            _ => panic!("neither success nor 503 `unavailable` with Retry-After: {answer:?}"),
        }
    }
    assert!(!refusals.is_empty(), "no request was sent during the outage");
    assert!(refusals.len() < answers.len(), "no request was sent before or after the outage");
    refusals.sort_unstable();
    let (count, longest) = (refusals.len(), answers.iter().map(|answer| answer.took).max().unwrap_or_default());
    println!(
        "{situation}: {} writes, {count} refused; refusals took {:?} (median), {:?} (99 %); the longest answer {longest:?}",
        answers.len(),
        refusals[count / 2],
        refusals[count * 99 / 100],
    );
    // The longest may exceed it, since requests before the outage was detected had to wait.
    assert!(refusals[count / 2] < MAX_REFUSAL_TIME, "most refusals took longer than {MAX_REFUSAL_TIME:?}");
}

/// Asserts that every task whose creation succeeded exists.
pub async fn assert_none_lost(backend: &Backend, user: &User, answers: &[Answer]) {
    let titles = user.titles(&backend.url).await;
    let lost: Vec<_> = answers.iter().filter(|answer| answer.succeeded() && !titles.contains(&answer.title)).collect();
    assert!(lost.is_empty(), "answered with 201 and lost: {lost:?}");
}
