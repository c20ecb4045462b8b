//! Streams of a turn: opened while it runs, after it, and again. Cancelling a turn.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::{chat::Limits, server::cleanup::remove_expired};
use todo_llm::{Model, Reply, Script};
use tokio::time::timeout;

use super::support::{TIMEOUT, TurnEvents, message, message_in, replica, replica_with_limits, replica_with_settings};
use crate::{
    events::{Event, EventStream},
    support::{Call, Client, PASSWORD},
};

/// Requests the events of a conversation after a position.
pub fn conversation_events(client: &Client, id: &str, position: &str) -> Call {
    client.get(&format!("/api/chat/{id}/events")).header("last-event-id", position)
}

/// Reads events until their text is `text`.
pub async fn read_until_text(stream: &mut EventStream, text: &str) -> TurnEvents {
    let mut turn = TurnEvents(Vec::new());
    while turn.text() != text {
        turn.0.push(stream.next().await.unwrap_or_else(|| panic!("the stream ends before {text:?}: {turn:#?}")));
    }
    turn
}

/// Applies events to a list of messages, as a client does.
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
async fn replaying_from_any_position_gives_the_same_conversation(pool: PgPool) {
    let script = Script::in_order([
        Reply::text("Let me see.").and_call("add_task", json!({ "title": "a" })),
        Reply::text("One two three four five six."),
        Reply::call("delete_task", json!({ "task": "a" })).and_call("delete_task", json!({ "task": "b" })),
        Reply::text("Well then."),
        Reply::text("Edited."),
    ]);
    let model = Model::start(script).await;
    let app = replica_with_limits(&pool, &model, Limits { flush: Duration::ZERO, ..Limits::default() });
    let ada = app.user("ada").await;
    let mut turn = ada.run_turn(&message("Hi")).await;
    let id = turn.conversation();
    turn.0.extend(ada.run_turn(&message_in(&id, "Delete")).await.0);
    let form = ada.confirmation(&id, true).await;
    turn.0.extend(ada.run_turn(&form).await.0);
    turn.0.extend(ada.run_turn(&json!({ "conversation_id": id, "message": "Edit", "replace_from": 5 })).await.0);
    assert!(turn.0.len() > 20, "{:?}", turn.names());
    assert!((1..).zip(&turn.0).all(|(number, event)| event.id == Some(number)), "the numbers have a gap");

    let stored = ada.messages(&id).await;
    let all = turn.0.len();
    for seen in 0..all {
        let mut messages = Vec::new();
        apply(&mut messages, &turn.0[..seen]);
        let rest = TurnEvents::from_call(conversation_events(&ada, &id, &seen.to_string())).await;
        assert_eq!(rest.0, turn.0[seen..], "after event {seen}");
        apply(&mut messages, &rest.0);
        assert_eq!(texts(&messages), texts(&stored), "after event {seen}");
    }
    assert_eq!(conversation_events(&ada, &id, &all.to_string()).await.status, 204);
    assert_eq!(ada.get(&format!("/api/chat/{id}/events?last_event_id={all}")).await.status, 204);
    assert_eq!(ada.get(&format!("/api/chat/{id}/events")).await.status, 204);
    for position in ["", "x", "1.5", "-1"] {
        conversation_events(&ada, &id, position).await.expect_field_error("Last-Event-ID", "must be the id");
    }
}

/// A page that reloads reads the messages, and then the events after the position of that answer.
#[sqlx::test]
async fn a_stream_resumes_in_the_middle_of_an_answer(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two three four").gate("more", 3)]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let id = read_until_text(&mut stream, "one two ").await.conversation();
    // The turn continues when its stream is closed.
    drop(stream);
    let conversation = ada.conversation(&id).await;
    assert_eq!((&conversation["at_work"], &conversation["messages"][1]["text"]), (&json!(true), &json!("one two ")));
    assert_eq!(ada.get("/api/conversations").await.ok(200)["conversations"][0]["at_work"], true);
    let position = conversation["position"].as_str().unwrap();
    let [mut by_header, mut by_query] = [
        EventStream::open(conversation_events(&ada, &id, position)).await,
        EventStream::open(ada.get(&format!("/api/chat/{id}/events?last_event_id={position}"))).await,
    ];
    // Without a position, a stream starts with the next event.
    let mut from_now = EventStream::open(ada.get(&format!("/api/chat/{id}/events"))).await;
    model.open("more");
    for stream in [&mut by_header, &mut by_query, &mut from_now] {
        let turn = TurnEvents::read_to_end(stream).await;
        assert_eq!((turn.text().as_str(), turn.end_reason()), ("three four", "done"));
    }
    assert_eq!(ada.messages(&id).await[1]["text"], "one two three four");
}

#[sqlx::test]
async fn a_conversation_runs_one_turn_at_a_time(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two").gate("more", 2), Reply::text("Next.")]);
    let model = Model::start(script).await;
    // A message that is refused counts as a turn until then.
    let settings = [("OPENAI_BASE_URL", &*model.url()), ("MAX_TURNS_PER_USER", "9")];
    let app = replica_with_settings(&pool, &settings, Limits::default());
    let ada = app.user("ada").await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let id = read_until_text(&mut stream, "one ").await.conversation();
    for form in [message_in(&id, "More"), json!({ "conversation_id": id, "confirm": true })] {
        let problem = ada.chat(&form).await.problem(409, "turn_at_work");
        assert!(problem["detail"].as_str().unwrap().contains("since 20"), "{problem}");
    }
    model.open("more");
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "done");
    assert_eq!(ada.run_turn(&message_in(&id, "More")).await.text(), "Next.");

    // Only one of several concurrent messages starts a turn.
    model.set_script(Script::in_order([Reply::text("one").gate("never", 1)]));
    let calls = (0..8).map(|_| ada.chat(&message_in(&id, "Again")).open());
    let answers = futures_util::future::join_all(calls).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[sqlx::test]
async fn a_cancelled_turn_keeps_its_text(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two").gate("never", 2), Reply::text("Next.")]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let id = read_until_text(&mut stream, "one ").await.conversation();
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "cancelled");
    let said = ada.messages(&id).await[1].clone();
    assert_eq!((&said["text"], &said["status"], &said["error"]), (&json!("one "), &json!("cancelled"), &json!(null)));
    timeout(TIMEOUT, model.idle()).await.expect("the connection to the model is closed");
    // Cancelling succeeds although no turn runs.
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(ada.run_turn(&message_in(&id, "More")).await.text(), "Next.");
}

#[sqlx::test]
async fn a_deleted_conversation_ends_its_turn_and_streams(pool: PgPool) {
    let script = Script::in_order((0..2).map(|_| Reply::text("one two").gate("never", 2)));
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let id = read_until_text(&mut stream, "one ").await.conversation();
    ada.delete(&format!("/api/conversations/{id}")).await.ok(204);
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.0, []);
    timeout(TIMEOUT, model.idle()).await.expect("the connection to the model is closed");

    // Deleting the account has the same effect.
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    read_until_text(&mut stream, "one ").await;
    let form = json!({ "current_password": PASSWORD });
    ada.delete("/api/auth/me").json(&form).await.ok(204);
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.0, []);
    let left = "select (select count(*) from conversations) + (select count(*) from messages)
        + (select count(*) from conversation_events)";
    assert_eq!(sqlx::query_scalar::<_, Option<i64>>(left).fetch_one(&pool).await.unwrap(), Some(0));
}

#[sqlx::test]
async fn signing_out_ends_the_stream_and_not_the_turn(pool: PgPool) {
    let (model, app) = replica(&pool, Script::in_order([Reply::text("one two").gate("more", 2)])).await;
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let id = read_until_text(&mut stream, "one ").await.conversation();
    ada.post("/api/auth/sign-out").await.ok(204);
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.0, []);
    model.open("more");
    assert_eq!(phone.wait_until_idle(&id).await["messages"][1]["text"], "one two");
}

/// Events are kept for a day. A client that needs older ones must load the conversation.
#[sqlx::test]
async fn expired_events_get_410(pool: PgPool) {
    let script = Script::in_order([Reply::text("One."), Reply::text("Two.")]);
    let (_model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("Hi")).await;
    let (id, position) = (turn.conversation(), turn.last().id.unwrap().to_string());
    let age = "update conversation_events set created_at = now() - interval '25 hours'";
    sqlx::query(age).execute(&pool).await.unwrap();
    remove_expired(&pool).await.unwrap();
    let problem = conversation_events(&ada, &id, "1").await.problem(410, "events_gone");
    assert!(problem["detail"].as_str().unwrap().contains("anew"), "{problem}");
    assert_eq!(conversation_events(&ada, &id, &position).await.status, 204);
    ada.run_turn(&message_in(&id, "More")).await;
    assert_eq!(TurnEvents::from_call(conversation_events(&ada, &id, &position)).await.text(), "Two.");
    conversation_events(&ada, &id, "1").await.problem(410, "events_gone");
    assert_eq!(ada.messages(&id).await.len(), 4);
}

/// The clean-up may remove events between two readings of a stream. Reading on would find nothing, again and again.
#[sqlx::test]
async fn a_stream_whose_next_events_are_gone_ends(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::default()).await;
    let ada = app.user("ada").await;
    for kept in [0, 1] {
        let insert = "insert into conversations (id, user_id, title, run, turn, run_started_at, leased_until)
                      select gen_random_uuid(), id, 'a', gen_random_uuid(), gen_random_uuid(), now(),
                        now() + interval '1 hour' from users returning id";
        let id: uuid::Uuid = sqlx::query_scalar(insert).fetch_one(&pool).await.unwrap();
        let mut events = EventStream::open(ada.get(&format!("/api/chat/{id}/events"))).await;
        let mut change = pool.begin().await.unwrap();
        for _ in 0..3 {
            let record = sqlx::query("select record_conversation_event($1, 'text_delta', '{}')").bind(id);
            record.execute(&mut *change).await.unwrap();
        }
        let delete = sqlx::query("delete from conversation_events where conversation_id = $1 and seq <= 3 - $2");
        delete.bind(id).bind(kept).execute(&mut *change).await.unwrap();
        change.commit().await.unwrap();
        assert_eq!(timeout(TIMEOUT, events.next()).await.unwrap(), None, "{kept} events are left");
        // The client learns from its next request that events are missing.
        conversation_events(&ada, &id.to_string(), "0").await.problem(410, "events_gone");
    }
}

/// Text that is added to an answer is stored by itself, so that a long answer is not written again and again.
#[sqlx::test]
async fn the_text_of_an_answer_is_written_once(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two three").gate("more", 2)])).await;
    let app = replica_with_limits(&pool, &model, Limits { flush: Duration::from_millis(1), ..Limits::default() });
    let ada = app.user("ada").await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let row = async || -> String {
        let row = "select ctid::text from messages where role = 'assistant'";
        sqlx::query_scalar(row).fetch_one(&pool).await.unwrap()
    };
    while stream.next().await.unwrap().name != "text_delta" {}
    let (id, first) = (ada.get("/api/conversations").await.ok(200)["conversations"][0]["id"].clone(), row().await);
    model.pass("more", 1);
    while stream.next().await.unwrap().name != "text_delta" {}
    assert_eq!(row().await, first, "the row was written again");
    assert_eq!(ada.messages(id.as_str().unwrap()).await[1]["text"], "one two ");
    model.open("more");
    TurnEvents::read_to_end(&mut stream).await;
    assert_eq!(ada.messages(id.as_str().unwrap()).await[1]["text"], "one two three");
    let fragments: i64 = sqlx::query_scalar("select count(*) from message_fragments").fetch_one(&pool).await.unwrap();
    assert_eq!(fragments, 0);
}

#[sqlx::test]
async fn text_is_stored_at_most_twice_a_second(pool: PgPool) {
    let (model, app) = replica(&pool, Script::in_order([Reply::text("word ".repeat(20)).gate("more", 1)])).await;
    let ada = app.user("ada").await;
    let mut stream = EventStream::open(ada.chat(&message("Count"))).await;
    let started = Instant::now();
    let chunks = async {
        for _ in 0..20 {
            model.pass("more", 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        model.open("more");
    };
    let (turn, ()) = tokio::join!(TurnEvents::read_to_end(&mut stream), chunks);
    assert_eq!(turn.text(), "word ".repeat(20));
    let pieces = turn.names().iter().filter(|name| **name == "text_delta").count();
    // There may be one more at the beginning, and one at the end.
    let most = 2 + started.elapsed().as_millis() / 500;
    assert!(pieces as u128 <= most, "{pieces} in {:?}", started.elapsed());
}
