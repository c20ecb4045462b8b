//! Two processes that share a database.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use todo_backend::notifier::CONNECTION_SETTING;
use tokio::join;
use uuid::Uuid;

use crate::support::{Backend, User, migrate, url, wait_until};

/// What a lost wake may cost: much less than the time between two heartbeats of a stream.
const SECONDS: Duration = Duration::from_secs(8);

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

/// The database as it is after a replica was killed between the commit of a change and its wake: the connection of this
/// test says that it sends wakes itself, and sends none.
#[sqlx::test(migrations = false)]
async fn a_change_without_a_wake_is_streamed_within_seconds(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let mut streams = [user.events(&a.url).await, user.events(&b.url).await];
    let mut killed = PgConnection::connect_with(&options.clone().options([CONNECTION_SETTING])).await.unwrap();
    for title in ["first", "second"] {
        let insert = "insert into tasks (id, user_id, title) select gen_random_uuid(), id, $1 from users";
        sqlx::query(insert).bind(title).execute(&mut killed).await.unwrap();
        let committed = Instant::now();
        for stream in &mut streams {
            assert_eq!(stream.expect("task").await.data["tasks"][0]["title"], title);
        }
        assert!(committed.elapsed() < SECONDS, "after {:?}", committed.elapsed());
    }
}

/// A program without the setting, such as the previous release, relies on the database to notify.
#[sqlx::test(migrations = false)]
async fn a_change_of_another_program_is_streamed_at_once(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, _b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let mut events = user.events(&a.url).await;
    let mut other = PgConnection::connect_with(&options).await.unwrap();
    let mut waited = Duration::ZERO;
    for _ in 0..5 {
        let insert = "insert into tasks (id, user_id, title) select gen_random_uuid(), id, 'by hand' from users";
        sqlx::query(insert).execute(&mut other).await.unwrap();
        let committed = Instant::now();
        events.expect("task").await;
        waited += committed.elapsed();
    }
    // Without notifications, each would have waited for the next question of the process.
    assert!(waited < SECONDS, "{waited:?}");
}

#[sqlx::test(migrations = false)]
async fn changes_of_a_replica_that_is_killed_are_streamed_by_the_other(_: PgPoolOptions, options: PgConnectOptions) {
    let (a, b) = start_two(&options).await;
    let user = User::sign_up(&a.url).await;
    let mut events = user.events(&b.url).await;
    let mut database = PgConnection::connect_with(&options).await.unwrap();
    let load = user.load(&a.url, 8);
    wait_until("the load creates tasks", async || (user.titles(&b.url).await.len() > 50).then_some(())).await;
    a.kill();
    let killed = Instant::now();
    let created = load.finish().await.iter().filter(|answer| answer.succeeded()).count();
    let tasks: Vec<Uuid> = sqlx::query_scalar("select id from tasks").fetch_all(&mut database).await.unwrap();
    assert!(tasks.len() >= created, "{} of {created} tasks", tasks.len());
    events.wait_for_tasks(tasks.iter().map(Uuid::to_string).collect()).await;
    assert!(killed.elapsed() < SECONDS, "after {:?}", killed.elapsed());
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
