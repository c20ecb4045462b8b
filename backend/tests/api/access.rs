//! Access to every route: without a credential, with an API token, with the id of another user, from another origin.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, Call, Client, PASSWORD, UNKNOWN_ID, ids, path};

/// The authentication that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Authentication {
    Public,
    Credential,
    Session,
}
use Authentication::{Credential, Public, Session};

/// Every operation, with a valid body.
fn operations() -> Vec<(Method, &'static str, Authentication, Option<Value>)> {
    let password = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
    vec![
        (Method::GET, "/health", Public, None),
        (Method::GET, "/ready", Public, None),
        (Method::GET, "/version", Public, None),
        (Method::POST, "/api/auth/sign-up", Public, Some(json!({ "email": "new@example.com", "password": PASSWORD }))),
        (Method::POST, "/api/auth/sign-in", Public, Some(json!({ "email": "ada@example.com", "password": PASSWORD }))),
        (Method::GET, "/api/auth/me", Credential, None),
        (Method::PATCH, "/api/auth/me", Session, Some(json!({ "name": "x" }))),
        // The password is wrong, since the tests still use the account.
        (Method::DELETE, "/api/auth/me", Session, Some(json!({ "current_password": "wrong" }))),
        (Method::POST, "/api/auth/password", Session, Some(password)),
        (Method::GET, "/api/auth/sessions", Session, None),
        (Method::DELETE, "/api/auth/sessions", Session, None),
        (Method::DELETE, "/api/auth/sessions/{id}", Session, None),
        (Method::GET, "/api/auth/tokens", Session, None),
        (Method::POST, "/api/auth/tokens", Session, Some(json!({ "name": "x" }))),
        (Method::DELETE, "/api/auth/tokens/{id}", Session, None),
        (Method::GET, "/api/tasks", Credential, None),
        (Method::POST, "/api/tasks", Credential, Some(json!({ "title": "x" }))),
        (Method::GET, "/api/tasks/{id}", Credential, None),
        (Method::PATCH, "/api/tasks/{id}", Credential, Some(json!({ "title": "x" }))),
        (Method::DELETE, "/api/tasks/{id}", Credential, None),
        (Method::POST, "/api/tasks/{id}/complete", Credential, None),
        (Method::POST, "/api/tasks/{id}/reopen", Credential, None),
        (Method::POST, "/api/tasks/bulk", Credential, Some(json!({ "action": "delete", "ids": [UNKNOWN_ID] }))),
        (Method::GET, "/api/tasks/export", Credential, None),
        (Method::POST, "/api/tasks/import", Credential, Some(json!([]))),
        (Method::GET, "/api/events", Credential, None),
        (Method::GET, "/api/chat", Credential, None),
        (Method::POST, "/api/chat", Credential, Some(json!({ "message": "x" }))),
        (Method::GET, "/api/chat/{id}/events", Credential, None),
        (Method::POST, "/api/chat/{id}/cancel", Credential, None),
        (Method::GET, "/api/conversations", Credential, None),
        (Method::GET, "/api/conversations/{id}", Credential, None),
        (Method::PATCH, "/api/conversations/{id}", Credential, Some(json!({ "title": "x" }))),
        (Method::DELETE, "/api/conversations/{id}", Credential, None),
        // Signing out comes last, since it ends the session that the tests use.
        (Method::POST, "/api/auth/sign-out", Session, None),
    ]
}

fn call(client: &Client, (method, route, _, body): &(Method, &str, Authentication, Option<Value>)) -> Call {
    let call = client.call(method.clone(), &route.replace("{id}", UNKNOWN_ID));
    match body {
        Some(body) => call.json(body),
        None => call,
    }
}

/// The tests of this file cover only the operations that `operations` lists.
#[test]
fn every_documented_operation_is_listed() {
    let document = serde_json::to_value(todo_backend::server::router::openapi()).unwrap();
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    let listed: BTreeSet<String> =
        operations().iter().map(|(method, route, ..)| format!("{} {route}", method.as_str().to_lowercase())).collect();
    assert_eq!(listed, documented);
}

#[sqlx::test]
async fn a_request_without_a_valid_credential_gets_401(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    for operation in operations().iter().filter(|(_, _, authentication, _)| *authentication != Public) {
        for (name, value) in [
            ("accept", "*/*"),
            ("cookie", "todo_session=todo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("cookie", "todo_session="),
            ("authorization", "Bearer todo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("authorization", "Bearer"),
            ("authorization", "Basic YTpi"),
        ] {
            let reply = call(&app.anonymous(), operation).header(name, value).await;
            reply.problem(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Bearer", "{operation:?}");
        }
    }
}

#[sqlx::test]
async fn a_token_manages_tasks_but_not_the_account(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let program = app.token_client(&ada).await;
    for operation in operations() {
        let response = call(&program, &operation).open().await;
        if operation.2 == Session {
            assert_eq!(response.status(), 403, "{operation:?}");
            call(&program, &operation).await.problem(403, "session_required");
        } else {
            assert!(![401, 403].contains(&response.status().as_u16()), "{operation:?}: {}", response.status());
        }
    }
}

/// A browser sends the cookie with every request, but a client sets the header on purpose.
#[sqlx::test]
async fn the_authorization_header_takes_precedence_over_the_cookie(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    ada.get("/api/auth/me").await.ok(200);
    ada.get("/api/auth/me").header("authorization", "Bearer nonsense").await.problem(401, "unauthorized");
    ada.get("/api/auth/me").header("authorization", "Basic nonsense").await.problem(401, "unauthorized");
}

/// The unit tests in `http::origin` cover the rules. This test applies them to every operation.
#[sqlx::test]
async fn other_origins_cannot_use_the_cookie(pool: PgPool) {
    let app = App::with_settings(&pool, &[("CORS_ORIGINS", "https://friend.example")]);
    let ada = app.user("ada").await;
    let program = app.token_client(&ada).await;
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for operation in operations().iter().filter(|(_, _, authentication, _)| *authentication != Public) {
        for (name, value) in foreign {
            if operation.0 == Method::GET {
                let response = call(&ada, operation).header(name, value).open().await;
                assert_ne!(response.status(), 403, "{operation:?}");
            } else {
                call(&ada, operation).header(name, value).await.problem(403, "forbidden_origin");
            }
        }
    }
    let task = json!({ "title": "x" });
    let post = |client: &Client| client.post("/api/tasks").json(&task).header("host", "todo.example");
    post(&program).header("sec-fetch-site", "cross-site").await.ok(201);
    post(&ada).header("sec-fetch-site", "same-origin").header("origin", "https://todo.example").await.ok(201);
    post(&ada).header("origin", "https://todo.example").await.ok(201);
    let friend = post(&ada).header("sec-fetch-site", "cross-site").header("origin", "https://friend.example").await;
    friend.ok(201);
    assert_eq!(friend.header("access-control-allow-origin"), "https://friend.example");
    assert_eq!(friend.header("access-control-allow-credentials"), "true");
}

#[sqlx::test]
async fn only_listed_origins_pass_a_preflight(pool: PgPool) {
    let app = App::with_settings(&pool, &[("CORS_ORIGINS", "https://friend.example")]);
    let preflight = |app: &App, origin| {
        let call = app.anonymous().call(Method::OPTIONS, "/api/tasks").header("origin", origin);
        call.header("access-control-request-method", "PATCH").header("access-control-request-headers", "if-match")
    };
    let reply = preflight(&app, "https://friend.example").await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://friend.example");
    assert!(reply.header("access-control-allow-methods").contains("PATCH"));
    assert!(reply.header("access-control-allow-headers").contains("if-match"));
    for (app, origin) in [(&app, "https://evil.example"), (&App::new(&pool), "https://friend.example")] {
        assert_eq!(preflight(app, origin).await.headers.get("access-control-allow-origin"), None);
    }
}

/// A response does not reveal whether another user has a resource with this id.
#[sqlx::test]
async fn resources_of_another_user_are_not_found(pool: PgPool) {
    let app = App::new(&pool);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let task = ada.task("ada's").await;
    let deleted = ada.task("ada's deleted").await;
    ada.delete(&path(&deleted)).await.ok(204);
    let session = ids(&ada.get("/api/auth/sessions").await.ok(200)["sessions"])[0].clone();
    let token = ada.token("ada's").await;

    for operation in operations().iter().filter(|(_, route, ..)| route.contains("{id}")) {
        let (method, route, _, body) = operation;
        let id = match *route {
            "/api/auth/sessions/{id}" => &session,
            "/api/auth/tokens/{id}" => token["id"].as_str().unwrap(),
            _ => task["id"].as_str().unwrap(),
        };
        let call = eve.call(method.clone(), &route.replace("{id}", id));
        let call = if let Some(body) = body { call.json(body) } else { call };
        let seen = call.await.problem(404, "not_found");
        let unknown = self::call(&eve, operation).await.problem(404, "not_found");
        assert_eq!(seen["detail"], unknown["detail"], "{operation:?}");
    }
    // The id of a session is no id of a token, and the other way round.
    ada.delete(&format!("/api/auth/tokens/{session}")).await.problem(404, "not_found");
    ada.delete(&format!("/api/auth/sessions/{}", token["id"].as_str().unwrap())).await.problem(404, "not_found");

    let both = json!([task["id"], deleted["id"]]);
    for action in ["complete", "reopen", "delete", "restore"] {
        let form = json!({ "action": action, "ids": both });
        let result = eve.post("/api/tasks/bulk").json(&form).await.ok(200);
        assert_eq!(result, json!({ "tasks": [], "not_found": both }), "{action}");
    }
    let listed = eve.get("/api/tasks").await.ok(200);
    assert_eq!((&listed["tasks"], &listed["counts"]["all"]), (&json!([]), &json!(0)));
    assert_eq!(eve.get("/api/tasks?q=ada").await.ok(200)["tasks"], json!([]));
    assert_eq!(eve.get("/api/tasks/export").await.json(), json!([]));
    assert_eq!(eve.get("/api/auth/tokens").await.ok(200), json!({ "tokens": [] }));
    assert_eq!(eve.get("/api/auth/sessions").await.ok(200)["sessions"].as_array().unwrap().len(), 1);

    assert_eq!(ada.get("/api/tasks").await.ok(200)["tasks"], json!([task]));
    app.bearer(token["token"].as_str().unwrap()).get("/api/tasks").await.ok(200);
}
