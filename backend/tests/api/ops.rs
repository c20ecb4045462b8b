//! Health, version, metrics, the route of the log level, and the `OpenAPI` document.

use std::{collections::BTreeMap, io::Read, net::SocketAddr};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::{
    server::metrics::{self, MetricsState},
    telemetry::logging::{self, LogLevel},
};
use tower::ServiceExt;

use crate::support::{App, path};

#[sqlx::test]
async fn draining_fails_readiness_but_not_liveness(pool: PgPool) {
    let app = App::new(&pool);
    let nobody = app.anonymous();
    assert_eq!(nobody.get("/health").await.ok(200), json!({ "status": "healthy" }));
    assert_eq!(nobody.get("/ready").await.ok(200), json!({ "status": "ready" }));

    app.state.draining.begin();
    let reply = nobody.get("/ready").await;
    assert_eq!((reply.status, reply.json()), (503, json!({ "status": "not_ready", "reason": "shutting down" })));
    nobody.get("/health").await.ok(200);
    nobody.get("/api/tasks").await.problem(401, "unauthorized");
}

#[sqlx::test]
async fn the_version_names_the_package_version_and_the_revision(pool: PgPool) {
    for (settings, revision) in [(&[][..], "unknown"), (&[("REVISION", "4c1dba5")][..], "4c1dba5")] {
        let version = App::with_settings(&pool, settings).anonymous().get("/version").await.ok(200);
        assert_eq!(version, json!({ "version": env!("CARGO_PKG_VERSION"), "revision": revision }));
    }
}

fn metrics_router(app: &App, log_level: LogLevel) -> Router {
    let (metrics, draining) = (app.state.metrics.clone(), app.state.draining.clone());
    metrics::router(MetricsState { metrics, draining, log_level })
}

/// Sends a request to the metrics listener, and returns the status and the body.
async fn send(router: &Router, peer: &str, request: axum::http::request::Builder, body: &str) -> (u16, String) {
    let peer: SocketAddr = peer.parse().unwrap();
    let request = request.extension(ConnectInfo(peer)).body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[sqlx::test]
async fn metrics_are_labelled_by_route_and_status_class(pool: PgPool) {
    let app = App::with_settings(&pool, &[("REVISION", "4c1dba5")]);
    let ada = app.user("ada").await;
    let task = ada.task("a").await;
    for _ in 0..3 {
        ada.get(&path(&task)).await.ok(200);
    }
    ada.get("/api/tasks/no-such-task").await.problem(404, "not_found");
    ada.get("/some/path/of/an/attacker").await.problem(404, "not_found");
    ada.call("BREW".parse().unwrap(), "/api/tasks").await.problem(405, "method_not_allowed");

    let (_, log_level) = logging::subscriber("info", std::io::sink).unwrap();
    let router = metrics_router(&app, log_level);
    let (status, text) = send(&router, "192.0.2.1:4000", Request::get("/metrics"), "").await;
    assert_eq!(status, 200);
    for line in [
        r#"http_requests_total{method="GET",route="/api/tasks/{id}",status="2xx"} 3"#,
        r#"http_requests_total{method="GET",route="/api/tasks/{id}",status="4xx"} 1"#,
        r#"http_requests_total{method="GET",route="unmatched",status="4xx"} 1"#,
        r#"http_requests_total{method="other",route="/api/tasks",status="4xx"} 1"#,
        r#"http_requests_total{method="POST",route="/api/auth/sign-up",status="2xx"} 1"#,
        r#"http_request_duration_seconds_count{method="GET",route="/api/tasks/{id}",status="2xx"} 3"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/api/tasks/{id}",status="2xx",le="0.001"}"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/api/tasks/{id}",status="2xx",le="5"} 3"#,
        "http_requests_in_flight 0",
        "event_streams 0",
        "database_up 1",
        "\nready 1",
        "pg_stat_database_xact_commit{datname=",
        "pg_database_size_bytes{datname=",
        "# TYPE pg_stat_database_blks_hit counter",
        r#"database_connections{state="max"}"#,
        r#"database_connections{state="idle"}"#,
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let build = text.lines().find(|line| line.starts_with("build_info{")).unwrap();
    assert!(build.contains(env!("CARGO_PKG_VERSION")) && build.contains("4c1dba5"), "{build}");
    for value in ["attacker", "no-such-task", task["id"].as_str().unwrap(), "BREW"] {
        assert!(!text.contains(value), "{value} is in\n{text}");
    }
    let help = text.lines().filter(|line| line.starts_with("# HELP http_") || line.starts_with("# HELP database_"));
    assert_eq!(help.count(), 7);

    app.state.draining.begin();
    let (_, text) = send(&router, "192.0.2.1:4000", Request::get("/metrics"), "").await;
    assert!(text.contains("\nready 0") && text.contains("database_up 1"), "{text}");
}

#[sqlx::test]
async fn only_loopback_clients_may_change_the_log_level(pool: PgPool) {
    let (_subscriber, log_level) = logging::subscriber("info", std::io::sink).unwrap();
    let router = metrics_router(&App::new(&pool), log_level);
    for (peer, level, status) in [
        ("127.0.0.1:4000", "debug", 204),
        ("[::1]:4000", "info,sqlx=debug\n", 204),
        ("[::ffff:127.0.0.1]:4000", "warn", 204),
        ("127.0.0.1:4000", "loud", 422),
        ("127.0.0.1:4000", "", 422),
        ("10.0.0.9:4000", "debug", 403),
        ("[2001:db8::1]:4000", "debug", 403),
    ] {
        let (answered, body) = send(&router, peer, Request::put("/log-level"), level).await;
        assert_eq!(answered, status, "{peer} {level}: {body}");
        assert_eq!(body.is_empty(), status == 204, "only a refusal has a body");
    }
    assert_eq!(send(&router, "127.0.0.1:4000", Request::get("/log-level"), "").await.0, 405);
    assert_eq!(send(&router, "127.0.0.1:4000", Request::get("/api/tasks"), "").await.0, 404);
}

/// The snapshot has every operation with its documented statuses.
#[sqlx::test]
async fn the_openapi_document_describes_every_operation(pool: PgPool) {
    let app = App::new(&pool);
    let document = app.anonymous().get("/api/openapi.json").await.ok(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{path} {}", method.to_uppercase());
            assert!(operation["summary"].is_string(), "{name} has no summary");
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                let is_readiness = path == "/ready";
                assert!(
                    is_readiness || *problem == json!("#/components/schemas/Problem"),
                    "{name} {status}: {response}"
                );
            }
            operations.insert(name, responses.keys().cloned().collect::<Vec<_>>().join(" "));
        }
    }
    insta::assert_json_snapshot!(operations);
}

/// The page loads nothing from other hosts.
#[sqlx::test]
async fn the_documentation_page_needs_no_other_host(pool: PgPool) {
    let app = App::new(&pool);
    let page = app.anonymous().get("/api/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let mut text = String::new();
    GzDecoder::new(&*page.body).read_to_string(&mut text).unwrap();
    assert!(!text.contains("//cdn") && !text.contains("https://"), "{text}");
    assert!(app.anonymous().get("/api/docs").await.header("location").ends_with("/api/docs/"));
    let script = app.anonymous().get("/api/docs/swagger-ui-bundle.js").await;
    assert!(script.body.len() > 100_000);
}

#[test]
fn every_reference_of_the_openapi_document_resolves() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(todo_backend::server::router::openapi()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} does not exist");
    }
}
