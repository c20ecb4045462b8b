//! Two processes that share a database.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::join;

use crate::support::{Backend, User, migrate, url};

/// Starts two backends on the same database.
async fn start_two(options: &PgConnectOptions) -> (Backend, Backend) {
    let url = url(options);
    migrate(&url).await;
    join!(Backend::start_ready(&url, &[]), Backend::start_ready(&url, &[]))
}

#[sqlx::test(migrations = false)]
async fn a_change_on_one_replica_is_streamed_by_the_other(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let stranger = User::sign_up(&b.url).await;
    let mut events = user.events(&b.url).await;
    let mut strangers_events = stranger.events(&b.url).await;

    let task = user.create(&a.url, "made on one").await;
    let event = events.expect("task").await;
    assert_eq!(event.data["kind"], "created");
    assert_eq!(event.data["ids"], json!([task]));
    assert_eq!(event.data["tasks"][0]["title"], "made on one");

    let path = format!("{}/api/tasks/{task}", a.url);
    user.request(Method::DELETE, path).send().await.unwrap().error_for_status().unwrap();
    let deleted = events.expect("task").await;
    assert_eq!(deleted.data["kind"], "deleted");
    assert_eq!(deleted.id, event.id.map(|id| id + 1));

    let own = stranger.create(&a.url, "the stranger's").await;
    let event = strangers_events.expect("task").await;
    assert_eq!(event.data["ids"], json!([own]), "the stream has an event of another user");
}

#[sqlx::test(migrations = false)]
async fn signing_out_on_one_replica_ends_session_and_streams_on_the_other(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let mut events = user.events(&b.url).await;

    let signed_out = user.request(Method::POST, format!("{}/api/auth/sign-out", a.url)).send().await.unwrap();
    assert_eq!(signed_out.status(), StatusCode::NO_CONTENT);
    // The very next request to the other replica is refused.
    let refused = user.get(format!("{}/api/tasks", b.url)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);

    assert_eq!(events.expect("bye").await.data, json!({ "reason": "signed_out" }));
    assert!(events.next("the end of the stream").await.is_none());
}

#[sqlx::test(migrations = false)]
async fn attempts_on_both_replicas_are_counted_together(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let attempt = async |backend: &Backend, password: &str| {
        let form = json!({ "email": user.email, "password": password });
        user.post(format!("{}/api/auth/sign-in", backend.url), &form).await
    };
    for _ in 0..5 {
        assert_eq!(attempt(&a, "wrong password").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(attempt(&b, "wrong password").await.status(), StatusCode::UNAUTHORIZED);
    }
    for backend in [&a, &b] {
        let refused = attempt(backend, &user.password).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "a correct password is accepted");
        let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=15 * 60).contains(&seconds), "{seconds}");
    }
}

#[sqlx::test(migrations = false)]
async fn concurrent_retries_on_both_replicas_create_one_task(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let retry = async |backend: &Backend| {
        let request = user.request(Method::POST, format!("{}/api/tasks", backend.url));
        let answer = request.header("idempotency-key", "once").json(&json!({ "title": "just one" })).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let task: Value = answer.json().await.unwrap();
        task["id"].as_str().unwrap().to_owned()
    };
    let ids = join_all((0..20).map(|number| retry(if number % 2 == 0 { &a } else { &b }))).await;
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1, "{ids:?}");
    assert_eq!(user.titles(&b.url).await, ["just one"]);
    assert_eq!(retry(&b).await, ids[0], "a later retry created another task");
}
