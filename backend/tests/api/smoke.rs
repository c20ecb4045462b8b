//! The `smoke` subcommand: it succeeds against the application, and names the step that fails.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::Request,
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use sqlx::PgPool;
use todo_backend::commands::smoke;
use tokio::net::TcpListener;

use crate::support::App;

/// Serves the application with a first page, as the frontend does. `fault` may answer a request in its place.
async fn run(pool: &PgPool, fault: fn(&Method, &str) -> Option<Response>) -> Result<(), String> {
    let with_fault = middleware::from_fn(move |request: Request, next: Next| async move {
        match fault(request.method(), request.uri().path()) {
            Some(response) => response,
            None => next.run(request).await,
        }
    });
    let page = get(|| async { Html("<!doctype html><html lang=en>") });
    let router = Router::new().route("/", page).fallback_service(App::new(pool).router).layer(with_fault);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
    let server = tokio::spawn(server.into_future());
    let outcome = smoke::run(&url, Some(&url)).await;
    server.abort();
    outcome.map_err(|error| format!("{error:#}"))
}

#[sqlx::test]
async fn it_succeeds_repeatedly_and_deletes_its_account(pool: PgPool) {
    for _ in 0..2 {
        run(&pool, |_, _| None).await.unwrap();
    }
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&pool).await.unwrap();
    assert_eq!(users, 0, "the account was not deleted");
}

#[sqlx::test]
async fn it_waits_until_the_backend_is_reachable(pool: PgPool) {
    static REFUSED: AtomicUsize = AtomicUsize::new(0);
    let unreachable_at_first = |_: &Method, path: &str| {
        let refused = path.starts_with("/api/") && REFUSED.fetch_add(1, Ordering::Relaxed) < 2;
        refused.then(|| StatusCode::BAD_GATEWAY.into_response())
    };
    run(&pool, unreachable_at_first).await.unwrap();
    assert!(REFUSED.load(Ordering::Relaxed) > 2);
}

#[sqlx::test]
async fn the_failed_step_is_named(pool: PgPool) {
    type Fault = fn(&Method, &str) -> Option<Response>;
    let cases: [(&str, Fault); 9] = [
        ("opening the first page: GET / answered 503", |_, path| {
            (path == "/").then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
        }),
        ("something else than a page", |_, path| (path == "/").then(|| "hello".into_response())),
        ("signing up: POST /api/auth/sign-up answered 404", |_, path| {
            path.ends_with("/sign-up").then(|| StatusCode::NOT_FOUND.into_response())
        }),
        ("signing up: the answer set no cookie", |_, path| {
            path.ends_with("/sign-up").then(|| StatusCode::CREATED.into_response())
        }),
        ("creating a task: POST /api/tasks answered 500", |method, path| {
            (method == Method::POST && path == "/api/tasks").then(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }),
        ("the task is not listed", |method, path| {
            let empty = r#"{ "tasks": [] }"#;
            (method == Method::GET && path == "/api/tasks").then(|| empty.into_response())
        }),
        ("reading the deleted task: GET /api/tasks/", |method, path| {
            (method == Method::DELETE && path != "/api/auth/me").then(|| StatusCode::NO_CONTENT.into_response())
        }),
        ("using the MCP server: POST http", |_, path| (path == "/mcp").then(|| StatusCode::FORBIDDEN.into_response())),
        ("using the deleted account: GET /api/tasks answered 200", |_, path| {
            path.ends_with("/me").then(|| StatusCode::NO_CONTENT.into_response())
        }),
    ];
    for (expected, fault) in cases {
        let message = run(&pool, fault).await.unwrap_err();
        assert!(message.contains(expected), "{expected} is not in: {message}");
    }
}

#[tokio::test]
async fn an_unreachable_address_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let message = format!("{:#}", smoke::run(&url, None).await.unwrap_err());
    assert!(message.contains("opening the first page") && message.contains(&url), "{message}");
}
