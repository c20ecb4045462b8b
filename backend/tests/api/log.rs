//! Log lines: each request has one, and no line contains a secret.

use std::{
    io::Write,
    sync::{Arc, Mutex, Once},
};

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::telemetry::logging::{self, LogLevel};
use todo_llm::{Fault, Reply, Script};
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

use crate::{
    chat::support::{API_KEY, message, message_in, replica},
    support::{App, PASSWORD, path},
};

/// The lines that were logged since the last call of `take` or `text`.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    fn take(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Captures what this thread logs. The requests of a test run on its thread.
fn capture(level: &str) -> (Lines, LogLevel, DefaultGuard) {
    // With one subscriber, `tracing` decides for all threads whether an event is enabled, by the thread that reaches it
    // first. With a second subscriber it asks the subscriber of each thread.
    static SECOND: Once = Once::new();
    let second = tracing_subscriber::registry().with(LevelFilter::OFF);
    SECOND.call_once(|| tracing::subscriber::set_global_default(second).unwrap());
    let lines = Lines::default();
    let (subscriber, level) = logging::subscriber(level, lines.clone()).unwrap();
    (lines, level, tracing::subscriber::set_default(subscriber))
}

#[sqlx::test]
async fn each_request_is_one_line(pool: PgPool) {
    let (lines, _, _guard) = capture("info");
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let user = ada.get("/api/auth/me").await.ok(200)["id"].clone();
    let task = ada.task("a").await;
    lines.take();

    ada.get(&format!("{}?x=1", path(&task))).header("x-request-id", "id-1").await;
    app.anonymous().get("/no/such/path").await;
    app.anonymous().get("/api/tasks").await;
    ada.post("/api/tasks").json(&json!({})).await;
    let logged = lines.take();
    assert_eq!(logged.len(), 4, "{logged:#?}");
    for (line, (method, route, status, user)) in logged.iter().zip([
        ("GET", "/api/tasks/{id}", 200, &user),
        ("GET", "unmatched", 404, &Value::Null),
        ("GET", "/api/tasks", 401, &Value::Null),
        ("POST", "/api/tasks", 422, &user),
    ]) {
        assert_eq!(line["message"], "request", "{line}");
        assert_eq!(line["level"], "INFO", "{line}");
        assert_eq!((&line["method"], &line["route"], &line["status"]), (&json!(method), &json!(route), &json!(status)));
        assert_eq!(line["user_id"], *user, "{line}");
        assert!(line["ms"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["timestamp"].is_string() && line["request_id"].is_string(), "{line}");
    }
    assert_eq!(logged[0]["request_id"], "id-1");
}

#[sqlx::test]
async fn an_internal_error_is_logged_with_its_cause(pool: PgPool) {
    let (lines, _, _guard) = capture("error");
    let ada = App::new(&pool).user("ada").await;
    sqlx::query("alter table tasks rename to elsewhere").execute(&pool).await.unwrap();
    ada.get("/api/tasks").await.problem(500, "internal");
    let logged = lines.take();
    assert_eq!(logged.len(), 1, "{logged:#?}");
    assert_eq!(logged[0]["level"], "ERROR");
    assert!(logged[0]["error"].as_str().unwrap().contains("relation \"tasks\" does not exist"), "{logged:#?}");
}

/// The level is `debug`, which is used to look for a fault.
#[sqlx::test]
async fn no_line_contains_secrets_or_texts_of_users(pool: PgPool) {
    let (lines, _, _guard) = capture("debug");
    let app = App::with_settings(&pool, &[("SECRET_KEY", "the secret key, which nobody may see")]);
    let ada = app.user("ada").await;
    let (_, cookie) = ada.credential.clone().unwrap();
    let token = ada.token("name of the token").await["token"].as_str().unwrap().to_owned();
    let task = json!({ "title": "title of the task", "description": "text of the task" });
    let made = ada.post("/api/tasks").header("idempotency-key", "key-of-idempotency").json(&task).await.ok(201);
    app.bearer(&token).patch(&path(&made)).json(&json!({ "title": "title of the task 2" })).await.ok(200);
    ada.get("/api/tasks?q=text+of+the+search").await.ok(200);
    ada.post("/api/tasks/import").body("text/csv", "title,status\ntitle of the task,wrong status\n").await;
    ada.post("/api/tasks").body("application/json", "{\"title\":\"title of the task\"").await;
    app.try_sign_in("ada@example.com", "wrong password").await;
    app.try_sign_in("other@example.org", PASSWORD).await;
    app.bearer("todo_wrong_token").get("/api/tasks").await;
    let again = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.anonymous().post("/api/auth/sign-up").json(&again).await.problem(409, "conflict");
    let password = json!({ "current_password": PASSWORD, "new_password": "the new password" });
    ada.post("/api/auth/password").json(&password).await.ok(204);
    // A failed statement is logged with its cause, which must not contain the values.
    sqlx::query("alter table tasks add constraint broken check (title = '')").execute(&pool).await.unwrap_err();
    sqlx::query("alter table tasks add constraint broken check (version > 9) not valid").execute(&pool).await.unwrap();
    ada.post("/api/tasks").json(&task).await.problem(500, "internal");
    ada.post("/api/auth/sign-out").await.ok(204);

    let text = lines.text();
    assert!(text.lines().count() >= 15, "{text}");
    for secret in [
        cookie.split_once('=').unwrap().1,
        &token,
        "todo_wrong_token",
        PASSWORD,
        "wrong password",
        "the new password",
        "the secret key",
        "key-of-idempotency",
        "ada@example.com",
        "other@example.org",
        "of the task",
        "of the token",
        "of+the+search",
        "of the search",
        "wrong status",
        "argon2id",
    ] {
        assert!(!text.contains(secret), "{secret:?} is in the log:\n{text}");
    }
}

/// Neither the texts of users and models nor the API key of the model are logged, also if the model fails. Only the level
/// debug has what a server wrote about an error.
#[sqlx::test]
async fn no_line_contains_texts_of_the_chat(pool: PgPool) {
    let (lines, _, _guard) = capture("debug");
    let fault = Fault::Error { after: 2, message: "reason of the server".into() };
    let script = Script::in_order([
        Reply::call("add_task", json!({ "title": "words of a tool" })),
        Reply::text("words of the model"),
        Reply::call("add_task", json!("{ words of no JSON")),
        Reply::call("words_of_a_name", json!({ "words": "of an argument" })),
        Reply::text("words of the model").fault(fault),
        Reply::default().fault(Fault::Status { code: 401, retry_after: None, message: format!("wrong key {API_KEY}") }),
        Reply::default().fault(Fault::Status {
            code: 500,
            retry_after: Some(60),
            message: format!("reason of the server: {API_KEY}"),
        }),
    ]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("words of the user")).await;
    let id = turn.conversation();
    for end in ["model_unavailable", "model_refused", "model_unavailable"] {
        assert_eq!(ada.run_turn(&message_in(&id, "words of the user")).await.end_reason(), end);
    }
    ada.patch(&format!("/api/conversations/{id}")).json(&json!({ "title": "words of a title" })).await.ok(200);
    ada.get("/api/conversations?q=words+of+a+search").await.ok(200);
    // A failed statement during a turn is logged with its cause.
    model.set_script(Script::in_order([Reply::text("words of the model")]));
    sqlx::query("alter table message_fragments add constraint broken check (text not like '%model')")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(ada.run_turn(&message("words of the user")).await.end_reason(), "internal");

    let text = lines.text();
    for result in ["done", "model_unavailable", "model_refused", "internal"] {
        assert!(text.contains(&format!("\"result\":\"{result}\"")), "no line has the result {result}:\n{text}");
    }
    let reasons: Vec<_> = text.lines().filter(|line| line.contains("reason of the server")).collect();
    assert!(reasons.len() > 1 && reasons.iter().all(|line| line.contains(r#""level":"DEBUG""#)), "{reasons:#?}");
    for secret in ["words", API_KEY] {
        assert!(!text.contains(secret), "{secret:?} is in the log:\n{text}");
    }
    let metrics = app.metrics().await;
    assert!(!metrics.contains("words") && !metrics.contains(API_KEY), "{metrics}");
}

#[test]
fn the_log_level_can_be_changed_at_runtime() {
    let (lines, level, _guard) = capture("warn");
    tracing::info!("suppressed");
    level.set("info").unwrap();
    tracing::info!("logged");
    level.set("info,api=error").unwrap();
    tracing::info!("suppressed");
    for wrong in ["", "loud", "info,loud", "api=loud", "info,"] {
        assert!(level.set(wrong).is_err(), "{wrong}");
    }
    tracing::error!("logged");
    let messages: Vec<_> = lines.take().into_iter().map(|line| line["message"].clone()).collect();
    assert_eq!(messages, ["logged", "logged"]);
}
