//! Starting with wrong settings, with ports in use, and before the database. The `check` subcommand.

use std::process::Output;

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::{
    Postgres,
    migrate::MigrateDatabase,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::net::TcpListener;

use crate::support::{Backend, User, migrate, url, wait_until};

const UNREACHABLE_DATABASE: &str = "postgres://nobody@127.0.0.1:1/nothing";

/// Runs a subcommand that has to fail, and returns its only line of output.
async fn expect_start_failure(subcommand: &str, settings: &[(&str, &str)]) -> String {
    let mut command = Backend::command(subcommand, UNREACHABLE_DATABASE);
    let Output { status, stdout, stderr } = command.envs(settings.iter().copied()).output().await.unwrap();
    assert_eq!(status.code(), Some(1), "started with {settings:?}");
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    let line = String::from_utf8(stdout).unwrap();
    let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not one JSON object: {line}"));
    assert_eq!(entry["level"], "ERROR", "{line}");
    line
}

#[tokio::test]
async fn all_wrong_settings_are_named_without_their_values() {
    let settings = [
        ("DATABASE_URL", "mysql://root:hunter2@db/todo"),
        ("SECRET_KEY", "tooshort"),
        ("PORT", "eighty"),
        ("LOG_LEVEL", "todo=shout"),
        ("COOKIE_SECURE", "perhaps"),
        ("REQUEST_TIMEOUT_SECONDS", "-7"),
    ];
    for subcommand in ["serve", "migrate"] {
        let message = expect_start_failure(subcommand, &settings).await;
        assert_eq!(message.lines().count(), 1, "{message}");
        for (name, value) in settings {
            assert!(message.contains(name), "{name} is missing: {message}");
            assert!(!message.contains(value), "the value of {name} is shown: {message}");
        }
        assert!(!message.contains("hunter2"), "{message}");
    }
    let message = expect_start_failure("serve", &[("DATABASE_URL", ""), ("SECRET_KEY", "")]).await;
    assert!(message.contains("DATABASE_URL is not set; SECRET_KEY is not set"), "{message}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_variable() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    for variable in ["PORT", "METRICS_PORT"] {
        let message = expect_start_failure("serve", &[(variable, &port)]).await;
        assert!(message.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{message}");
        assert!(message.contains(variable), "{message}");
        assert!(message.contains("Address already in use"), "{message}");
    }
}

#[sqlx::test(migrations = false)]
async fn it_starts_before_its_database_and_becomes_ready_with_it(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    Postgres::force_drop_database(&url).await.unwrap();
    let backend = Backend::serve(&url, &[]).await;
    assert_eq!(backend.get("/health").await.status(), StatusCode::OK);
    assert_eq!(backend.wait_until_unready().await, "the database cannot be reached");
    assert_eq!(backend.get("/api/tasks").await.status(), StatusCode::SERVICE_UNAVAILABLE);

    Postgres::create_database(&url).await.unwrap();
    wait_until("it asks for the migrations", async || {
        backend.wait_until_unready().await.contains("run `todo-backend migrate`").then_some(())
    })
    .await;
    migrate(&url).await;
    backend.wait_until_ready().await;
    User::sign_up(&backend.url).await;
}

#[sqlx::test(migrations = false)]
async fn check_succeeds_only_for_a_successful_response(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    let check = async |path: &str| {
        let mut command = Backend::command("check", UNREACHABLE_DATABASE);
        command.arg(format!("{}{path}", backend.url)).output().await.unwrap()
    };
    let ready = check("/ready").await;
    assert!(ready.status.success(), "{ready:?}");
    assert_eq!(String::from_utf8_lossy(&ready.stdout).trim(), r#"{"status":"ready"}"#);

    let refused = check("/api/auth/me").await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("401"), "{refused:?}");

    let closed =
        Backend::command("check", UNREACHABLE_DATABASE).arg("http://127.0.0.1:1/health").output().await.unwrap();
    assert_eq!(closed.status.code(), Some(1), "{closed:?}");
    assert!(String::from_utf8_lossy(&closed.stderr).contains("does not answer"), "{closed:?}");
}
