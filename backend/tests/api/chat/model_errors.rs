//! Faults of model servers and connections. Each ends the turn with a clear error, and the next turn succeeds.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::PgPool;
use todo_backend::chat::Limits;
use todo_llm::{Fault, Model, Quirk, Reply, Script};

use super::support::{API_KEY, message, message_in, replica, replica_with_limits};
use crate::support::pluck;

const TEXT: &str = "Grüße, 世界! 🎉 Ça va";

#[sqlx::test]
async fn unusual_encodings_of_an_answer_are_parsed(pool: PgPool) {
    let quirks = [
        vec![Quirk::SplitBytes],
        vec![Quirk::RoleOnly, Quirk::EmptyChoices],
        vec![Quirk::Crlf, Quirk::Comments],
        vec![Quirk::Crlf, Quirk::SplitBytes, Quirk::NoDone],
        vec![Quirk::Json],
        vec![Quirk::Json, Quirk::SplitBytes],
        vec![Quirk::NoFinish],
        vec![Quirk::NoDone],
    ];
    let reply = |quirks: &Vec<Quirk>| quirks.iter().fold(Reply::text(TEXT), |reply, quirk| reply.quirk(*quirk));
    let (_model, app) = replica(&pool, Script::in_order(quirks.iter().map(reply))).await;
    let ada = app.user("ada").await;
    for quirks in quirks {
        let turn = ada.run_turn(&message("Hi")).await;
        assert_eq!((turn.text().as_str(), turn.end_reason()), (TEXT, "done"), "{quirks:?}");
    }
}

/// Each case has a name, the reply, and how the turn ends: the code, a part of the detail, and the stored text.
#[sqlx::test]
async fn errors_of_the_model_are_reported_and_the_next_turn_succeeds(pool: PgPool) {
    let model = Model::start(Script::default()).await;
    let app = replica_with_limits(&pool, &model, Limits { stall: Duration::from_millis(300), ..Limits::default() });
    let cases = [
        (
            "cut",
            Reply::text("one two three").fault(Fault::Cut { after: 3 }),
            "model_unavailable",
            "connection",
            "one two ",
        ),
        (
            "stall",
            Reply::text("one two three").fault(Fault::Stall { after: 3 }),
            "model_timeout",
            "stopped",
            "one two ",
        ),
        (
            "error",
            Reply::text("one two").fault(Fault::Error { after: 2, message: "overloaded".into() }),
            "model_unavailable",
            "instead of going on (server_error). It says: “overloaded”",
            "one ",
        ),
        (
            "no end",
            Reply::text("one two").quirk(Quirk::NoFinish).quirk(Quirk::NoDone),
            "model_broken",
            "breaks off",
            "one two",
        ),
        ("nothing", Reply::default(), "model_broken", "empty", ""),
        (
            "filter",
            Reply { finish_reason: Some("content_filter".into()), ..Reply::text("one") },
            "model_refused",
            "held",
            "one",
        ),
        (
            "finish error",
            Reply { finish_reason: Some("error".into()), ..Reply::text("one") },
            "model_broken",
            "has failed",
            "one",
        ),
        ("401", Reply::status(401), "model_refused", "OPENAI_API_KEY", ""),
        ("404", Reply::status(404), "model_refused", "OPENAI_MODEL", ""),
        ("400", Reply::status(400), "model_refused", "400", ""),
        ("302", Reply::status(302), "model_refused", "302", ""),
        ("429", Reply::rate_limited(3600), "model_rate_limited", "3600 seconds", ""),
        ("429 far", Reply::rate_limited(i64::MAX.unsigned_abs()), "model_rate_limited", "86400 seconds", ""),
    ];
    for (name, reply, code, word, text) in cases {
        model.set_script(Script::in_order([reply, Reply::text("Here I am.")]));
        // Turns per minute are limited per user, so each case has its own.
        let ada = app.user(&name.replace(' ', "-")).await;
        let turn = ada.run_turn(&message("Hi")).await;
        assert_eq!((turn.end_reason(), turn.text().as_str()), (code, text), "{name}: {turn:#?}");
        let error = &turn.last().data;
        assert!(error["detail"].as_str().unwrap().contains(word), "{name}: {error}");
        assert_eq!(error["retryable"], code != "model_refused", "{name}");
        for secret in [API_KEY, "127.0.0.1"] {
            assert!(!error.to_string().contains(secret), "{name}: {error}");
        }
        let id = turn.conversation();
        let messages = ada.messages(&id).await;
        assert_eq!((&messages[1]["status"], &messages[1]["text"]), (&json!("failed"), &json!(text)), "{name}");
        assert_eq!(messages[1]["error"]["code"], code, "{name}");

        let turn = ada.run_turn(&message_in(&id, "Again")).await;
        assert_eq!((turn.end_reason(), turn.text().as_str()), ("done", "Here I am."), "{name}");
        let messages_sent = model.requests().last().unwrap()["messages"].clone();
        let expected = ["Hi", text, "Again"].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        assert_eq!(pluck(&messages_sent, "content")[1..], expected, "{name}");
    }
}

#[sqlx::test]
async fn a_server_error_is_retried(pool: PgPool) {
    let cut = Reply::text("never read").fault(Fault::Cut { after: 0 });
    let replies = [Reply::status(503), cut, Reply::text("At last.")];
    let (model, app) = replica(&pool, Script::in_order(replies)).await;
    let ada = app.user("ada").await;
    assert_eq!(ada.run_turn(&message("Hi")).await.text(), "At last.");
    let requests = model.requests();
    assert_eq!((requests.len(), &requests[0]), (3, &requests[2]));

    model.set_script(Script::in_order((0..4).map(|_| Reply::status(500))));
    let turn = ada.run_turn(&message("Hi")).await;
    assert_eq!(turn.end_reason(), "model_unavailable");
    assert_eq!(model.requests().len() - requests.len(), 3, "there are at most two retries");
}

#[sqlx::test]
async fn retry_after_is_respected(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::in_order([Reply::rate_limited(2), Reply::text("Now.")])).await;
    let ada = app.user("ada").await;
    let start = Instant::now();
    assert_eq!(ada.run_turn(&message("Hi")).await.text(), "Now.");
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

/// A second request could repeat text or tool calls that the first one has sent.
#[sqlx::test]
async fn an_answer_that_has_started_is_not_retried(pool: PgPool) {
    let replies = [Reply::text("one two").fault(Fault::Cut { after: 2 }), Reply::text("no")];
    let (model, app) = replica(&pool, Script::in_order(replies)).await;
    assert_eq!(app.user("ada").await.run_turn(&message("Hi")).await.end_reason(), "model_unavailable");
    assert_eq!(model.requests().len(), 1);
}

/// The limit is for the time without any bytes: a comment is enough for an answer to go on.
#[sqlx::test]
async fn a_silent_model_ends_the_turn_and_a_slow_one_does_not(pool: PgPool) {
    let limits = Limits { stall: Duration::from_millis(600), ..Limits::default() };
    let model = Model::start(Script::in_order([
        Reply::default().fault(Fault::Silence),
        Reply::text("one two three").fault(Fault::Stall { after: 3 }),
        Reply::rate_limited(5),
        Reply::text("one two three").gate("slow", 1),
    ]))
    .await;
    let app = replica_with_limits(&pool, &model, limits);
    let ada = app.user("ada").await;
    for text in ["", "one two "] {
        let turn = ada.run_turn(&message("Hi")).await;
        assert_eq!((turn.end_reason(), turn.text().as_str()), ("model_timeout", text), "{turn:#?}");
    }
    // The turn ends at once if `Retry-After` exceeds the time that is left.
    let start = Instant::now();
    assert_eq!(ada.run_turn(&message("Hi")).await.end_reason(), "model_rate_limited");
    assert!(start.elapsed() < Duration::from_millis(500));
    // The answer takes longer than the limit, but is never silent for so long.
    let start = Instant::now();
    let form = message("Hi");
    let (turn, ()) = tokio::join!(ada.run_turn(&form), async {
        model.wait_for_requests(4).await;
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            model.pass("slow", 1);
        }
    });
    assert_eq!((turn.end_reason(), turn.text().as_str()), ("done", "one two three"));
    assert!(start.elapsed() > Duration::from_millis(600), "{:?}", start.elapsed());
}

#[sqlx::test]
async fn a_turn_that_never_ends_is_stopped(pool: PgPool) {
    let limits = Limits { turn: Duration::from_millis(1500), ..Limits::default() };
    let model = Model::start(Script::in_order([Reply::text("one two three").gate("never", 3)])).await;
    let ada = replica_with_limits(&pool, &model, limits).user("ada").await;
    let turn = ada.run_turn(&message("Hi")).await;
    assert_eq!((turn.end_reason(), turn.text().as_str()), ("turn_timeout", "one two "), "{turn:#?}");
}

#[sqlx::test]
async fn an_unreachable_or_wrong_server_is_reported(pool: PgPool) {
    let unreachable = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    };
    let app = super::support::replica_with_settings(&pool, &[("OPENAI_BASE_URL", &unreachable)], Limits::default());
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("Hi")).await;
    assert_eq!(turn.end_reason(), "model_unavailable");
    assert!(turn.last().data["detail"].as_str().unwrap().contains("cannot be reached"), "{turn:#?}");

    // A web server that is no model answers with a page.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let page = axum::Router::new().fallback(async || axum::response::Html("<html>\n<p>Welcome</p>\n</html>"));
    tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, page)));
    let app = super::support::replica_with_settings(&pool, &[("OPENAI_BASE_URL", &url)], Limits::default());
    let turn = ada.on(&app).run_turn(&message("Hi")).await;
    assert_eq!(turn.end_reason(), "model_broken");
    assert!(turn.last().data["detail"].as_str().unwrap().contains("OPENAI_BASE_URL"), "{turn:#?}");
}
