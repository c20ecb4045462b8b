//! SIGTERM while there is work.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{Backend, User, migrate, url};

const DRAIN: Duration = Duration::from_secs(2);
/// When load balancers have taken notice. Later connections may still wait to be accepted as the port closes.
const NOTICED: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);

#[sqlx::test(migrations = false)]
async fn sigterm_loses_nothing_and_ends_in_time(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let settings = [("SHUTDOWN_DRAIN_SECONDS", "2"), ("SHUTDOWN_TIMEOUT_SECONDS", "5")];
    let mut backend = Backend::ready(&url, &settings).await;
    let user = User::sign_up(&backend.url).await;
    let mut streams = [user.events(&backend.url).await, user.events(&backend.url).await];
    let load = user.load(&backend.url, 8);
    let task = user.create(&backend.url, "the load is on").await;
    for stream in &mut streams {
        stream.until_told(vec![task.clone()]).await;
    }

    let told = Instant::now();
    backend.terminate();
    assert_eq!(backend.until_unready().await, "shutting down");
    // Unready, yet serving: load balancers take a moment to notice.
    user.create(&backend.url, "while draining").await;
    assert_eq!(backend.get("/health").await.status(), StatusCode::OK);
    assert!(told.elapsed() < DRAIN, "the machine is too slow for this test: {:?}", told.elapsed());

    for stream in &mut streams {
        let bye = loop {
            let event = stream.next("the farewell").await.expect("not without a farewell");
            if event.name != "task" {
                break event;
            }
        };
        assert_eq!((bye.name.as_str(), bye.data), ("bye", json!({ "reason": "shutdown" })));
        assert!(stream.next("the end of the stream").await.is_none());
    }
    let status = backend.ended().await;
    let took = told.elapsed();
    assert!(status.success(), "{status}\n{}", backend.log());
    assert!(took < DRAIN + TIMEOUT, "took {took:?}");

    let answers = load.finish().await;
    let (mut answered, mut refused) = (Vec::new(), 0);
    for answer in answers {
        match &answer.outcome {
            Ok(_) if answer.succeeded() => answered.push(answer),
            Err(_) if answer.sent >= told + NOTICED => refused += 1,
            _ => panic!("a request got no orderly answer {:?} after SIGTERM: {answer:?}", answer.sent - told),
        }
    }
    println!("shutdown: {} writes answered, {refused} met the closing port, ended after {took:?}", answered.len());

    let next = Backend::ready(&url, &[]).await;
    let titles = user.titles(&next.url).await;
    let lost: Vec<_> = answered.iter().filter(|answer| !titles.contains(&answer.title)).collect();
    assert!(lost.is_empty(), "answered with 201 and lost: {lost:?}");
}
