//! Requests that take too long, or whose client goes away: what they leave behind in the database.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::support::{Backend, User, migrate, url, wait_until};

/// The longest time for which a statement may go on after its request was given up.
const MAX_REMAINING_TIME: Duration = Duration::from_secs(3);

/// Makes each insert of a task take longer than any limit.
const SLOW_INSERTS: &str = "create function sleep() returns trigger language plpgsql as
        $$ begin perform pg_sleep(60); return new; end $$;
    create trigger slow before insert on tasks for each row execute function sleep()";

/// The number of the service's connections that are in a statement or a transaction.
async fn busy_connections(pool: &PgPool) -> i64 {
    let count = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'todo-backend' and state <> 'idle'";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

/// Waits until no statement of the service runs and all its connections can be used. The pool has two.
async fn assert_freed(pool: &PgPool, backend: &Backend, user: &User) {
    let given_up = Instant::now();
    wait_until("no statement is running", async || (busy_connections(pool).await == 0).then_some(())).await;
    let me = format!("{}/api/auth/me", backend.url);
    for answer in join_all([user.get(me.clone()), user.get(me)]).await {
        assert_eq!(answer.status(), StatusCode::OK, "the connections are in use");
    }
    let took = given_up.elapsed();
    println!("given up: the statements ended and their connections were free after {took:?}");
    assert!(took < MAX_REMAINING_TIME, "took {took:?}");
}

#[sqlx::test(migrations = false)]
async fn a_client_that_goes_away_ends_its_statement(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let pool = PgPool::connect_with(options).await.unwrap();
    sqlx::raw_sql(SLOW_INSERTS).execute(&pool).await.unwrap();
    let backend = Backend::start_ready(&url, &[("DATABASE_MAX_CONNECTIONS", "2")]).await;
    let user = User::sign_up(&backend.url).await;

    let creations = join_all([user.try_create(&backend.url, "a"), user.try_create(&backend.url, "b")]);
    let both_run = wait_until("both statements run", async || (busy_connections(&pool).await == 2).then_some(()));
    tokio::select! {
        answers = creations => panic!("answered: {answers:?}"),
        () = both_run => {}
    }
    assert_freed(&pool, &backend, &user).await;
    let line = backend.wait_for_log_line("an aborted request", |line| line["message"] == "request aborted").await;
    assert_eq!((&line["method"], &line["route"]), (&json!("POST"), &json!("/api/tasks")), "{line}");
    assert!(line["user_id"].is_string() && line["request_id"].is_string() && line["ms"].is_number(), "{line}");
    let aborted = backend.metric("http_requests_aborted_total{method=\"POST\",route=\"/api/tasks\"}").await;
    assert_eq!(aborted, 2);
}

#[sqlx::test(migrations = false)]
async fn a_request_that_takes_too_long_ends_its_statement(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let pool = PgPool::connect_with(options).await.unwrap();
    sqlx::raw_sql(SLOW_INSERTS).execute(&pool).await.unwrap();
    let settings = [("DATABASE_MAX_CONNECTIONS", "2"), ("REQUEST_TIMEOUT_SECONDS", "1")];
    let backend = Backend::start_ready(&url, &settings).await;
    let user = User::sign_up(&backend.url).await;

    for answer in join_all([user.try_create(&backend.url, "a"), user.try_create(&backend.url, "b")]).await {
        assert_eq!(answer.unwrap_err()["code"], "timeout");
    }
    assert_freed(&pool, &backend, &user).await;
}

/// A request that waits for a lock is refused before its time limit, so that it does not keep a connection from others.
#[sqlx::test(migrations = false)]
async fn waiting_for_a_lock_has_a_limit(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let pool = PgPool::connect_with(options).await.unwrap();
    let backend = Backend::start_ready(&url, &[("REQUEST_TIMEOUT_SECONDS", "4")]).await;
    let user = User::sign_up(&backend.url).await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("lock table tasks in access exclusive mode").execute(&mut *holder).await.unwrap();

    let started = Instant::now();
    let answer = user.get(format!("{}/api/tasks", backend.url)).await;
    let took = started.elapsed();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "timeout");
    assert!(took > Duration::from_secs(2) && took < Duration::from_secs(4), "took {took:?}");
    backend.wait_for_log_line("the statement", |line| line["message"] == "database statement took too long").await;

    holder.rollback().await.unwrap();
    assert_eq!(user.get(format!("{}/api/tasks", backend.url)).await.status(), StatusCode::OK);
}

/// The server itself ends a statement, should the service not do so.
#[sqlx::test(migrations = false)]
async fn the_server_limits_every_statement(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let database = todo_backend::db::Database::new(&url.into(), 1, Duration::from_secs(1), &[]).unwrap();
    let pool = database.pool();
    let started = Instant::now();
    let sleep = timeout(Duration::from_secs(20), sqlx::query("select pg_sleep(60)").execute(&pool)).await;
    let error = sleep.expect("a statement has a limit").unwrap_err();
    assert!(error.to_string().contains("statement timeout"), "{error}");
    assert!(started.elapsed() >= Duration::from_secs(1), "before the time limit of a request");
}
