//! SIGTERM under load.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{Backend, User, migrate, url};

const DRAIN: Duration = Duration::from_secs(2);
/// The time after SIGTERM from which a connection may fail: load balancers have removed the pod by then. A connection
/// that waits to be accepted fails when the port closes.
const CONNECTION_GRACE_PERIOD: Duration = Duration::from_secs(1);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

#[sqlx::test(migrations = false)]
async fn sigterm_loses_no_request_and_ends_in_time(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let settings = [("SHUTDOWN_DRAIN_SECONDS", "2"), ("SHUTDOWN_TIMEOUT_SECONDS", "5")];
    let mut backend = Backend::start_ready(&url, &settings).await;
    let user = User::sign_up(&backend.url).await;
    let mut streams = [user.events(&backend.url).await, user.events(&backend.url).await];
    let load = user.load(&backend.url, 8);
    let task = user.create(&backend.url, "the load is on").await;
    for stream in &mut streams {
        stream.wait_for_tasks(vec![task.clone()]).await;
    }

    let terminated = Instant::now();
    backend.terminate();
    assert_eq!(backend.wait_until_unready().await, "shutting down");
    // It still serves requests, since load balancers need time to remove the pod.
    user.create(&backend.url, "while draining").await;
    assert_eq!(backend.get("/health").await.status(), StatusCode::OK);
    assert!(terminated.elapsed() < DRAIN, "the machine is too slow for this test: {:?}", terminated.elapsed());

    for stream in &mut streams {
        let bye = loop {
            let event = stream.next("the bye event").await.expect("a bye event");
            if event.name != "task" {
                break event;
            }
        };
        assert_eq!((bye.name.as_str(), bye.data), ("bye", json!({ "reason": "shutdown" })));
        assert!(stream.next("the end of the stream").await.is_none());
    }
    let status = backend.wait_for_exit().await;
    let took = terminated.elapsed();
    assert!(status.success(), "{status}\n{}", backend.log());
    assert!(took < DRAIN + SHUTDOWN_TIMEOUT, "took {took:?}");

    let answers = load.finish().await;
    let (mut answered, mut refused) = (Vec::new(), 0);
    for answer in answers {
        match &answer.outcome {
            Ok(_) if answer.succeeded() => answered.push(answer),
            Err(_) if answer.sent >= terminated + CONNECTION_GRACE_PERIOD => refused += 1,
            _ => panic!("a request failed {:?} after SIGTERM: {answer:?}", answer.sent - terminated),
        }
    }
    println!("shutdown: {} writes answered, {refused} met the closing port, ended after {took:?}", answered.len());

    let next = Backend::start_ready(&url, &[]).await;
    let titles = user.titles(&next.url).await;
    let lost: Vec<_> = answered.iter().filter(|answer| !titles.contains(&answer.title)).collect();
    assert!(lost.is_empty(), "answered with 201 and lost: {lost:?}");
}
