//! What the log contains, and what it must not contain.

use std::process::Stdio;

use futures_util::{StreamExt, stream};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::support::{Backend, SECRET_KEY, TIMEOUT, User, migrate, url};

#[sqlx::test(migrations = false)]
async fn a_normal_run_logs_json_without_warnings_or_secrets(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let mut backend = Backend::start_ready(&url, &[("SHUTDOWN_DRAIN_SECONDS", "0")]).await;
    let api = |path: &str| format!("{}/api/{path}", backend.url);
    let user = User::sign_up(&backend.url).await;
    let events = user.events(&backend.url).await;
    user.create(&backend.url, "buy a surprise").await;
    let created = user.post(api("auth/tokens"), &json!({ "name": "my program" })).await;
    let created: Value = created.json().await.unwrap();
    let token = created["token"].as_str().unwrap();
    let with_token = Client::new().get(api("tasks?q=surprise")).bearer_auth(token).send().await.unwrap();
    assert_eq!(with_token.status(), StatusCode::OK);
    let wrong = user.post(api("auth/sign-in"), &json!({ "email": user.email, "password": "a wrong guess" })).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let taken = user.post(api("auth/sign-up"), &json!({ "email": user.email, "password": user.password })).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    let invalid = user.post(api("tasks"), &json!({ "surprise": true })).await;
    assert_eq!(invalid.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let missing = user.request(Method::GET, api("tasks/0")).header("x-request-id", "mine").send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    drop(events);
    backend.terminate();
    assert!(backend.wait_for_exit().await.success());

    let log = backend.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect();
    for line in &lines {
        assert_eq!(line["level"], "INFO", "{line}");
    }
    assert_eq!(lines.last().unwrap()["message"], "stopped", "the last lines were lost");
    let line = lines.iter().find(|line| line["request_id"] == "mine").expect("the request's line");
    assert_eq!(
        (&line["method"], &line["route"], &line["status"]),
        (&json!("GET"), &json!("/api/tasks/{id}"), &json!(404))
    );
    assert!(line["ms"].as_f64().is_some() && line["user_id"].as_str().is_some(), "{line}");

    let cookie = user.cookie.split_once('=').unwrap().1;
    for secret in [&user.email, &user.password, cookie, token, "a wrong guess", "surprise", SECRET_KEY, &url] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

/// The reader of the log hangs, but its pipe stays open.
#[sqlx::test(migrations = false)]
async fn a_log_that_nobody_reads_delays_no_request(_: PgPoolOptions, options: PgConnectOptions) {
    // More than the pipe and the queue of lines hold.
    const REQUESTS: usize = 8000;
    let url = url(&options);
    migrate(&url).await;
    let mut process = Backend::command("serve", &url).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let listening = loop {
        let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        if line["message"] == "listening" {
            break line;
        }
    };
    let address = |name: &str| format!("http://{}", listening[name].as_str().unwrap());
    let (health, metrics) = (address("address") + "/health", address("metrics_address") + "/metrics");

    let client = Client::new();
    let requests = stream::iter(0..REQUESTS).for_each_concurrent(16, async |_| {
        let answer = timeout(TIMEOUT, client.get(&health).send()).await.expect("a request waits for the log");
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    });
    requests.await;
    let metrics = client.get(metrics).send().await.unwrap().text().await.unwrap();
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("log_lines_dropped_total ")).expect(&metrics);
    let dropped: usize = dropped.parse().unwrap();
    println!("logs: {dropped} of {REQUESTS} lines were dropped");
    assert!(dropped > 0 && dropped < REQUESTS, "{dropped}");

    kill(Pid::from_raw(process.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let status = timeout(TIMEOUT, process.wait()).await.expect("the process ends").unwrap();
    assert!(status.success(), "{status}");
}

#[sqlx::test(migrations = false)]
async fn the_log_level_changes_at_runtime(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("LOG_LEVEL", "warn,todo_backend::server::serve=info")]).await;
    let set = async |level: &'static str| {
        let request = Client::new().put(format!("{}/log-level", backend.metrics_url)).body(level);
        request.send().await.unwrap().status()
    };
    backend.get("/health").await;
    assert!(!backend.log().contains(r#""message":"request""#), "{}", backend.log());

    assert_eq!(set("much").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set("trace").await, StatusCode::NO_CONTENT);
    let user = User::sign_up(&backend.url).await;
    backend.wait_for_log_line("a request's line", |line| line["message"] == "request").await;
    backend.wait_for_log_line("a line of level TRACE", |line| line["level"] == "TRACE").await;

    assert_eq!(set("error").await, StatusCode::NO_CONTENT);
    let lines = backend.log().lines().count();
    backend.get("/health").await;
    let log = backend.log();
    assert_eq!(log.lines().count(), lines, "{log}");
    for secret in [&user.password, user.cookie.split_once('=').unwrap().1, SECRET_KEY, &url] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
