//! The format of errors, and requests that are refused before they reach a handler.

use std::sync::Arc;

use axum::{http::Method, routing::get};
use serde_json::{Map, Value, json};
use sqlx::{PgPool, postgres::PgConnectOptions};
use todo_backend::{db::Database, server::router::with_layers};

use crate::support::{App, Call, PASSWORD, Reply, path};

/// The snapshot has one problem of every kind.
#[sqlx::test]
async fn problem_bodies(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let task = path(&ada.task("a").await);
    let token = ada.token("program").await["token"].as_str().unwrap().to_owned();
    let sign_up = json!({ "email": "ada@example.com", "password": PASSWORD });
    let reused = |title| ada.post("/api/tasks").header("idempotency-key", "k").json(&json!({ "title": title }));
    reused("a").await.ok(201);
    let calls: [Call; 14] = [
        ada.post("/api/tasks").body("application/json", "{"),
        ada.post("/api/tasks").json(&json!({ "title": "" })),
        ada.post("/api/tasks").json(&json!({ "title": "", "description": "x".repeat(1001) })),
        ada.post("/api/tasks/import").json(&json!([{ "title": "a" }, {}])),
        app.anonymous().get("/api/tasks"),
        app.try_sign_in("ada@example.com", "wrong password"),
        app.bearer(&token).get("/api/auth/sessions"),
        ada.post("/api/tasks").header("sec-fetch-site", "cross-site").json(&json!({ "title": "a" })),
        ada.get("/api/nothing"),
        ada.call(Method::PUT, &task),
        app.anonymous().post("/api/auth/sign-up").json(&sign_up),
        ada.delete(&task).header("if-match", "\"7\""),
        ada.post("/api/tasks").body("text/plain", "a"),
        reused("b"),
    ];
    let mut bodies = Map::new();
    for call in calls {
        let problem = call.await.json();
        let name = format!("{:02} {}", bodies.len() + 1, problem["code"].as_str().unwrap());
        bodies.insert(name, problem);
    }
    let too_large = ada.post("/api/tasks").body("application/json", "x".repeat(64 * 1024 + 1)).await;
    bodies.insert("15 payload_too_large".into(), too_large.json());
    insta::assert_json_snapshot!(bodies, { ".*.request_id" => "[request id]" });
}

#[sqlx::test]
async fn unknown_paths_and_methods_are_problems(pool: PgPool) {
    let app = App::new(&pool);
    for path in
        ["/", "/api", "/api/", "/api/tasks/", "/api/tasks/x/y", "/API/tasks", "/api/auth", "/metrics", "/log-level"]
    {
        app.anonymous().get(path).await.problem(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::PUT, "/api/tasks", "GET,HEAD,POST"),
        (Method::DELETE, "/api/tasks", "GET,HEAD,POST"),
        (Method::GET, "/api/tasks/bulk", "POST"),
        (Method::POST, "/api/events", "GET,HEAD"),
        (Method::POST, "/health", "GET,HEAD"),
        (Method::GET, "/api/auth/sign-in", "POST"),
        (Method::from_bytes(b"BREW").unwrap(), "/api/tasks/x", "DELETE,GET,HEAD,PATCH"),
    ] {
        let reply = app.anonymous().call(method.clone(), path).await;
        reply.problem(405, "method_not_allowed");
        let mut methods: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allowed, "{method} {path}");
    }
}

/// Adds spaces to a body until it has this size in bytes.
fn padded(body: &Value, size: usize) -> String {
    let body = body.to_string();
    let space = " ".repeat(size - body.len());
    body + &space
}

#[sqlx::test]
async fn a_body_of_64_kib_is_accepted_and_one_byte_more_refused(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let padded = |size| padded(&json!({ "title": "a" }), size);
    let post = |body| ada.post("/api/tasks").body("application/json", body);
    post(padded(64 * 1024)).await.ok(201);
    let problem = post(padded(64 * 1024 + 1)).await.problem(413, "payload_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("65536 bytes"), "{problem}");
    for path in ["/api/auth/sign-in", "/api/auth/sign-up", "/api/auth/password", "/api/tasks/bulk"] {
        let call = ada.post(path).body("application/json", padded(64 * 1024 + 1));
        call.await.problem(413, "payload_too_large");
    }
}

#[sqlx::test]
async fn a_file_of_5_mib_is_accepted_and_one_byte_more_refused(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let padded = |size| padded(&json!([{ "title": "a" }]), size);
    let post = |body| ada.post("/api/tasks/import").body("application/json", body);
    post(padded(5 * 1024 * 1024)).await.ok(201);
    let problem = post(padded(5 * 1024 * 1024 + 1)).await.problem(413, "payload_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("5242880 bytes"), "{problem}");
}

#[sqlx::test]
async fn a_body_needs_a_json_content_type(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = json!({ "title": "a" }).to_string();
    for good in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        ada.post("/api/tasks").body(good, task.clone()).await.ok(201);
    }
    for bad in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data", ""] {
        ada.post("/api/tasks").body(bad, task.clone()).await.problem(415, "unsupported_media_type");
        ada.post("/api/tasks/import").body(bad, task.clone()).await.problem(415, "unsupported_media_type");
    }
    ada.post("/api/tasks").await.problem(415, "unsupported_media_type");
    ada.post("/api/tasks").body("text/csv", "title\na").await.problem(415, "unsupported_media_type");
}

#[sqlx::test]
async fn invalid_json_is_a_bad_request(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for body in
        [&b""[..], b"{", b"{\"title\":\"a\"}}", b"title=a", b"{\"title\":\"\\ud800\"}", b"{\"title\":\"\xff\"}", b"\0"]
    {
        let call = ada.post("/api/tasks").body("application/json", body.to_vec());
        let problem = call.await.problem(400, "bad_request");
        assert!(problem["detail"].as_str().unwrap().starts_with("The body is not valid JSON"), "{problem}");
    }
}

#[sqlx::test]
async fn a_valid_request_id_is_kept_and_an_invalid_one_replaced(pool: PgPool) {
    let app = App::new(&pool);
    let longest = "x".repeat(128);
    for kept in ["abc", "0199b5f0-0000-7000-8000-000000000000", "a.b_c:d-1", &longest] {
        assert_eq!(app.anonymous().get("/health").header("x-request-id", kept).await.header("x-request-id"), kept);
        app.anonymous().get("/api/tasks").header("x-request-id", kept).await.problem(401, "unauthorized");
    }
    let too_long = "x".repeat(129);
    let mut given = std::collections::HashSet::new();
    for replaced in ["", "a b", "a\"b", "{}", "é", &too_long] {
        let reply = app.anonymous().get("/health").header("x-request-id", replaced).await;
        assert!(given.insert(reply.header("x-request-id").parse::<uuid::Uuid>().unwrap()));
    }
    assert!(given.insert(app.anonymous().get("/health").await.header("x-request-id").parse().unwrap()));
}

#[sqlx::test]
async fn responses_forbid_caching_and_content_sniffing(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for path in ["/health", "/api/tasks", "/api/tasks/export", "/api/nothing", "/api/openapi.json"] {
        let reply: Reply = ada.get(path).await;
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[sqlx::test]
async fn a_panic_gets_500_without_its_message(pool: PgPool) {
    async fn boom() {
        panic!("the secret of the panic");
    }
    let app = App::new(&pool);
    let routes = axum::Router::new().route("/boom", get(boom));
    let app = App { router: with_layers(routes, app.state.clone()), state: app.state };
    let reply = app.anonymous().get("/boom").await;
    reply.problem(500, "internal");
    assert!(!reply.text().contains("secret"), "{reply:?}");
}

/// The cause is only logged: the response contains neither the statement nor the table.
#[sqlx::test]
async fn a_database_error_gets_500_without_its_cause(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    sqlx::query("alter table tasks rename to elsewhere").execute(&pool).await.unwrap();
    let reply = ada.get("/api/tasks").await;
    reply.problem(500, "internal");
    assert!(!reply.text().contains("relation") && !reply.text().contains("tasks"), "{reply:?}");
}

#[sqlx::test]
async fn a_slow_request_times_out(pool: PgPool) {
    let app = App::with_settings(&pool, &[("REQUEST_TIMEOUT_SECONDS", "1")]);
    let ada = app.user("ada").await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table tasks in access exclusive mode").execute(&mut *lock).await.unwrap();
    let reply = ada.get("/api/tasks").await;
    reply.problem(503, "timeout");
    assert_eq!(reply.header("retry-after"), "2");
    lock.rollback().await.unwrap();
    ada.get("/api/tasks").await.ok(200);
}

/// While the database is known to be unavailable, requests do not wait for a connection.
#[sqlx::test]
async fn an_unreachable_database_gets_503_at_once(pool: PgPool) {
    let unreachable = Arc::unwrap_or_clone(pool.connect_options()).host("127.0.0.1").port(free_port());
    let database = Database::from_pool(pool.clone(), PgConnectOptions::clone(&unreachable));
    database.probe().await;
    let app = App::with_database(database, &[]);
    let not_ready = app.anonymous().get("/ready").await;
    assert_eq!(not_ready.status, 503);
    assert_eq!(not_ready.json(), json!({ "status": "not_ready", "reason": "the database cannot be reached" }));
    app.anonymous().get("/health").await.ok(200);
    for call in [app.anonymous().get("/api/tasks"), app.try_sign_in("a@example.com", PASSWORD)] {
        let reply = call.await;
        reply.problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "2");
    }
    assert_eq!(app.anonymous().get("/api/nothing").await.problem(404, "not_found")["errors"], Value::Null);
}

/// A port on which nothing listens.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
