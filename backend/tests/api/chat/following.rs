//! Following an answer: at once, later, again, and stopping it.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::{chat::Limits, server::cleanup::remove_expired};
use todo_llm::{Model, Reply, Script};
use tokio::time::timeout;

use super::support::{PATIENCE, Received, message, message_in, of, replica};
use crate::{
    events::{Event, Events},
    support::{Call, Client, PASSWORD},
};

pub fn events(client: &Client, id: &str, position: &str) -> Call {
    client.get(&format!("/api/chat/{id}/events")).header("last-event-id", position)
}

/// Reads until this much text was told.
pub async fn until_text(stream: &mut Events, text: &str) -> Received {
    let mut told = Received(Vec::new());
    while told.text() != text {
        told.0.push(stream.next().await.unwrap_or_else(|| panic!("the stream ends before {text:?}: {told:#?}")));
    }
    told
}

/// What a client makes of the events: its messages by place.
fn apply(messages: &mut Vec<Value>, events: &[Event]) {
    for event in events {
        let data = &event.data;
        match event.name.as_str() {
            "message_start" | "tool_call" | "tool_result" => {
                let seq = usize::try_from(data["message"]["seq"].as_u64().unwrap()).unwrap();
                if event.name == "message_start" {
                    messages.truncate(seq - 1);
                }
                messages.truncate(messages.len().max(seq));
                if messages.len() < seq {
                    messages.push(data["message"].clone());
                } else {
                    messages[seq - 1] = data["message"].clone();
                }
            }
            "text_delta" => {
                let seq = usize::try_from(data["seq"].as_u64().unwrap()).unwrap();
                let text = messages[seq - 1]["text"].as_str().unwrap().to_owned();
                messages[seq - 1]["text"] = json!(text + data["text"].as_str().unwrap());
            }
            _ => {}
        }
    }
}

fn texts(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| format!("{} {}", message["text"], message["tool"])).collect()
}

#[sqlx::test]
async fn every_position_leads_to_the_same_conversation(pool: PgPool) {
    let script = Script::in_order([
        Reply::text("Let me see.").and_call("add_task", json!({ "title": "a" })),
        Reply::text("One two three four five six."),
        Reply::call("delete_task", json!({ "task": "a" })).and_call("delete_task", json!({ "task": "b" })),
        Reply::text("Well then."),
        Reply::text("Edited."),
    ]);
    let model = Model::start(script).await;
    let app = of(&pool, &model, Limits { flush: Duration::ZERO, ..Limits::default() });
    let ada = app.user("ada").await;
    let mut told = ada.say(&message("Hi")).await;
    let id = told.conversation();
    told.0.extend(ada.say(&message_in(&id, "Delete")).await.0);
    told.0.extend(ada.say(&json!({ "conversation_id": id, "confirm": true })).await.0);
    told.0.extend(ada.say(&json!({ "conversation_id": id, "message": "Edit", "replace_from": 5 })).await.0);
    assert!(told.0.len() > 20, "{:?}", told.names());
    assert!((1..).zip(&told.0).all(|(number, event)| event.id == Some(number)), "numbers have no gap");

    let stored = ada.messages(&id).await;
    let all = told.0.len();
    for seen in 0..all {
        let mut messages = Vec::new();
        apply(&mut messages, &told.0[..seen]);
        let rest = Received::from_call(events(&ada, &id, &seen.to_string())).await;
        assert_eq!(rest.0, told.0[seen..], "after event {seen}");
        apply(&mut messages, &rest.0);
        assert_eq!(texts(&messages), texts(&stored), "after event {seen}");
    }
    assert_eq!(events(&ada, &id, &all.to_string()).await.status, 204);
    assert_eq!(ada.get(&format!("/api/chat/{id}/events?last_event_id={all}")).await.status, 204);
    assert_eq!(ada.get(&format!("/api/chat/{id}/events")).await.status, 204);
    for position in ["", "x", "1.5", "-1"] {
        events(&ada, &id, position).await.breaks("Last-Event-ID", "must be the id");
    }
}

/// A reload in the middle of an answer: the messages as they are, and the events from there.
#[sqlx::test]
async fn a_reload_loses_nothing(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two three four").gate("more", 3)]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one two ").await.conversation();
    // The page goes away; the answer goes on without it.
    drop(stream);
    let conversation = ada.conversation(&id).await;
    assert_eq!((&conversation["at_work"], &conversation["messages"][1]["text"]), (&json!(true), &json!("one two ")));
    assert_eq!(ada.get("/api/conversations").await.ok(200)["conversations"][0]["at_work"], true);
    let position = conversation["position"].as_str().unwrap();
    let [mut by_header, mut by_query] = [
        Events::open(events(&ada, &id, position)).await,
        Events::open(ada.get(&format!("/api/chat/{id}/events?last_event_id={position}"))).await,
    ];
    // From now on.
    let mut from_now = Events::open(ada.get(&format!("/api/chat/{id}/events"))).await;
    model.open("more");
    for stream in [&mut by_header, &mut by_query, &mut from_now] {
        let told = Received::rest(stream).await;
        assert_eq!((told.text().as_str(), told.end()), ("three four", "done"));
    }
    assert_eq!(ada.messages(&id).await[1]["text"], "one two three four");
}

#[sqlx::test]
async fn one_turn_at_a_time(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two").gate("more", 2), Reply::text("Next.")]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    for form in [message_in(&id, "More"), json!({ "conversation_id": id, "confirm": true })] {
        let problem = ada.chat(&form).await.problem(409, "turn_at_work");
        assert!(problem["detail"].as_str().unwrap().contains("since 20"), "{problem}");
    }
    model.open("more");
    assert_eq!(Received::rest(&mut stream).await.end(), "done");
    assert_eq!(ada.say(&message_in(&id, "More")).await.text(), "Next.");

    // Of many at once, one gets through.
    model.play(Script::in_order([Reply::text("one").gate("never", 1)]));
    let calls = (0..8).map(|_| ada.chat(&message_in(&id, "Again")).open());
    let answers = futures_util::future::join_all(calls).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[sqlx::test]
async fn a_turn_can_be_stopped_and_keeps_what_was_said(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two").gate("never", 2), Reply::text("Next.")]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(Received::rest(&mut stream).await.end(), "cancelled");
    let said = ada.messages(&id).await[1].clone();
    assert_eq!((&said["text"], &said["status"], &said["error"]), (&json!("one "), &json!("cancelled"), &json!(null)));
    // The connection to the model is closed.
    timeout(PATIENCE, model.idle()).await.expect("the model is let go");
    // Nothing to stop is fine.
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(ada.say(&message_in(&id, "More")).await.text(), "Next.");
}

#[sqlx::test]
async fn a_deleted_conversation_ends_its_turn_and_streams(pool: PgPool) {
    let script = Script::in_order((0..2).map(|_| Reply::text("one two").gate("never", 2)));
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    ada.delete(&format!("/api/conversations/{id}")).await.ok(204);
    assert_eq!(Received::rest(&mut stream).await.0, []);
    timeout(PATIENCE, model.idle()).await.expect("the model is let go");

    // The account with all that belongs to it.
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    until_text(&mut stream, "one ").await;
    let form = json!({ "current_password": PASSWORD });
    ada.delete("/api/auth/me").json(&form).await.ok(204);
    assert_eq!(Received::rest(&mut stream).await.0, []);
    let left = "select (select count(*) from conversations) + (select count(*) from messages)
        + (select count(*) from conversation_events)";
    assert_eq!(sqlx::query_scalar::<_, Option<i64>>(left).fetch_one(&pool).await.unwrap(), Some(0));
}

#[sqlx::test]
async fn signing_out_ends_the_stream_and_not_the_turn(pool: PgPool) {
    let (model, app) = replica(&pool, Script::in_order([Reply::text("one two").gate("more", 2)])).await;
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    ada.post("/api/auth/sign-out").await.ok(204);
    assert_eq!(Received::rest(&mut stream).await.0, []);
    model.open("more");
    assert_eq!(phone.until_idle(&id).await["messages"][1]["text"], "one two");
}

/// Events are kept for a day; after that there is the conversation itself.
#[sqlx::test]
async fn old_events_are_gone(pool: PgPool) {
    let script = Script::in_order([Reply::text("One."), Reply::text("Two.")]);
    let (_model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let told = ada.say(&message("Hi")).await;
    let (id, position) = (told.conversation(), told.last().id.unwrap().to_string());
    let age = "update conversation_events set created_at = now() - interval '25 hours'";
    sqlx::query(age).execute(&pool).await.unwrap();
    remove_expired(&pool).await.unwrap();
    let problem = events(&ada, &id, "1").await.problem(410, "events_gone");
    assert!(problem["detail"].as_str().unwrap().contains("anew"), "{problem}");
    assert_eq!(events(&ada, &id, &position).await.status, 204);
    ada.say(&message_in(&id, "More")).await;
    assert_eq!(Received::from_call(events(&ada, &id, &position)).await.text(), "Two.");
    events(&ada, &id, "1").await.problem(410, "events_gone");
    assert_eq!(ada.messages(&id).await.len(), 4);
}
