//! The database stops, and comes back.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use sqlx::{Connection, Executor, PgConnection};
use todo::postgres::Server;
use tokio::time::timeout;

use crate::support::{Answer, Backend, LIMIT, Reply, User, migrate, until};

/// The longest that an answer may take while the database is known to be away.
const AT_ONCE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_database_means_503_and_service_returns_with_it() {
    let mut postgres = Server::throwaway().await.unwrap();
    let url = postgres.create_database("todo").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    // A throwaway server answers before a commit is on disk, and would lose it in a crash.
    connection.execute("alter database todo set synchronous_commit = on").await.unwrap();
    connection.close().await.unwrap();
    migrate(&url).await;
    let backend = Backend::ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    let mut events = user.events(&backend.url).await;
    let load = user.load(&backend.url, 16);

    assert_metrics(&backend, true).await;
    postgres.stop().await.unwrap();
    let reason = backend.until_unready().await;
    assert_eq!(reason, "the database cannot be reached");
    assert_unavailable(&backend, &user).await;
    assert_metrics(&backend, false).await;
    postgres.start().await.unwrap();
    backend.until_ready().await;
    assert_metrics(&backend, true).await;
    until_served(&backend, &user).await;

    postgres.crash().await.unwrap();
    backend.until_unready().await;
    assert_unavailable(&backend, &user).await;
    postgres.start().await.unwrap();
    backend.until_ready().await;
    until_served(&backend, &user).await;

    let answers = load.finish().await;
    assert_orderly("database stopped and crashed", &answers);
    assert_kept(&backend, &user, &answers).await;
    // The stream that was open all the time tells of what comes now.
    let task = user.create(&backend.url, "after the outages").await;
    events.until_told(vec![task]).await;
}

/// While the database is known to be away, everything is answered at once.
pub async fn assert_unavailable(backend: &Backend, user: &User) {
    assert_eq!(backend.get("/health").await.status(), StatusCode::OK);
    let started = Instant::now();
    let answer = user.get(format!("{}/api/tasks", backend.url)).await;
    let took = started.elapsed();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(took < AT_ONCE, "the database is known to be away, yet the answer took {took:?}");
}

/// What Prometheus sees: numbers of the database only while it answers.
async fn assert_metrics(backend: &Backend, there: bool) {
    let metrics = reqwest::get(format!("{}/metrics", backend.metrics_url)).await.unwrap().text().await.unwrap();
    let value = u8::from(there);
    assert!(metrics.contains(&format!("\ndatabase_up {value}\n")), "{metrics}");
    assert!(metrics.contains(&format!("\nready {value}\n")), "{metrics}");
    assert_eq!(metrics.contains("pg_stat_database_numbackends"), there, "{metrics}");
}

/// Waits until tasks can be read again. Readiness comes a moment before: it has a connection of its own.
pub async fn until_served(backend: &Backend, user: &User) {
    let served = until("tasks can be read again", async || {
        let answer = user.get(format!("{}/api/tasks", backend.url)).await;
        (answer.status() == StatusCode::OK).then_some(())
    });
    let in_time = timeout(LIMIT, served).await.is_ok();
    assert!(in_time, "tasks cannot be read again:\n{}", backend.log());
}

/// Every request was answered with success or an orderly 503, and there were both. It was the outage, seen by the
/// service, that ended a wait, not the time limit of requests; most refusals came at once.
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
    assert!(!refusals.is_empty(), "no request met the outage");
    assert!(refusals.len() < answers.len(), "no request met the time before or after the outage");
    refusals.sort_unstable();
    let (count, longest) = (refusals.len(), answers.iter().map(|answer| answer.took).max().unwrap_or_default());
    println!(
        "{situation}: {} writes, {count} refused; refusals took {:?} (median), {:?} (99 %); the longest answer {longest:?}",
        answers.len(),
        refusals[count / 2],
        refusals[count * 99 / 100],
    );
    // Not the longest: what was under way had to wait until the outage was known.
    assert!(refusals[count / 2] < AT_ONCE, "most refusals took longer than {AT_ONCE:?}");
}

/// What was answered with success is there.
pub async fn assert_kept(backend: &Backend, user: &User, answers: &[Answer]) {
    let titles = user.titles(&backend.url).await;
    let lost: Vec<_> = answers.iter().filter(|answer| answer.succeeded() && !titles.contains(&answer.title)).collect();
    assert!(lost.is_empty(), "answered with 201 and lost: {lost:?}");
}
