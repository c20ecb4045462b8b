//! How a turn ends is stored, and from where it goes on.

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_llm::{Fault, Quirk, Reply, Rule, Script};

use super::support::{TurnEvents, message, message_in, replica};
use crate::{
    events::EventStream,
    support::{Client, pluck},
};

/// The reason for which the conversation's last turn ended, as it is stored.
async fn stored_end(client: &Client, id: &str) -> Value {
    client.messages(id).await.last().unwrap()["end_reason"].clone()
}

#[sqlx::test]
async fn an_answer_that_is_cut_off_says_so(pool: PgPool) {
    let cut_as = |reason: &str, reply: Reply| Reply { finish_reason: Some(reason.into()), ..reply };
    let cut = |reply: Reply| cut_as("length", reply);
    let script = Script::in_order([
        cut(Reply::text("Once upon a")),
        Reply::text("time."),
        // The room for the answer can be used up by thoughts.
        cut_as("model_length", Reply { reasoning: "What was it".into(), ..Reply::default() }),
        cut(Reply::call("add_task", json!({ "title": "whole" })).and_call("add_task", json!("{\"title\": \"ha"))),
    ]);
    let (_model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("Tell me a story")).await;
    assert_eq!((turn.end_reason(), turn.text().as_str()), ("length", "Once upon a"));
    let id = turn.conversation();
    assert_eq!(stored_end(&ada, &id).await, "length");
    let turn = ada.run_turn(&message_in(&id, "Continue")).await;
    assert_eq!((turn.end_reason(), turn.text().as_str()), ("done", "time."));
    assert_eq!(stored_end(&ada, &id).await, Value::Null);
    assert_eq!(ada.messages(&id).await[1]["end_reason"], "length");

    for _ in 0..2 {
        let turn = ada.run_turn(&message("Again")).await;
        assert_eq!((turn.end_reason(), turn.text().as_str()), ("length", ""));
        assert_eq!(stored_end(&ada, &turn.conversation()).await, "length");
    }
    assert_eq!(ada.task_count().await, 1, "a call that is cut off is not done");
}

#[sqlx::test]
async fn the_limit_of_rounds_and_a_stop_are_stored(pool: PgPool) {
    let again = Rule::user("again", [Reply::call("list_tasks", json!({ "q": "{{ results | length }}" }))]).repeat();
    let wait = Rule::user("wait", [Reply::text("one two").gate("never", 2)]);
    let (_model, app) = replica(&pool, Script::rules([again, wait])).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("again")).await;
    assert_eq!(turn.end_reason(), "rounds");
    let id = turn.conversation();
    assert_eq!(stored_end(&ada, &id).await, "rounds");

    let mut stream = EventStream::open(ada.chat(&message_in(&id, "wait"))).await;
    while stream.next().await.unwrap().name != "text_delta" {}
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "cancelled");
    assert_eq!(stored_end(&ada, &id).await, "cancelled");
}

#[sqlx::test]
async fn a_call_that_repeats_itself_is_stopped(pool: PgPool) {
    let add = || Reply::call("add_task", json!({ "title": "milk" }));
    let script = Script::rules([
        Rule::user("rounds", [add()]).repeat(),
        Rule::user(
            "at once",
            [add()
                .and_call("list_tasks", json!({}))
                .and_call("add_task", json!({ "title": "milk" }))
                .and_call("add_task", json!({ "title": "milk" }))],
        ),
        Rule::user(
            "others",
            [add(), Reply::call("add_task", json!({ "title": "bread" })), add(), Reply::text("Done.")],
        ),
    ]);
    let (model, app) = replica(&pool, script).await;
    for (text, tasks, requests, end) in
        [("rounds", 2, 3, "repeated"), ("at once", 2, 1, "repeated"), ("others", 3, 4, "done")]
    {
        let before = model.requests().len();
        let ada = app.user(&text.replace(' ', "")).await;
        let turn = ada.run_turn(&message(text)).await;
        assert_eq!((turn.end_reason(), ada.task_count().await), (end, tasks), "{text}: {turn:#?}");
        assert_eq!(model.requests().len() - before, requests, "{text}");
        if end == "repeated" {
            let messages = ada.messages(&turn.conversation()).await;
            let last = messages.last().unwrap();
            assert_eq!((&last["status"], &last["end_reason"]), (&json!("failed"), &json!("repeated")));
            assert!(last["tool"]["result"]["detail"].as_str().unwrap().contains("third time"), "{last}");
            // The next turn may do the same again.
            assert_eq!(ada.run_turn(&message_in(&turn.conversation(), "others")).await.end_reason(), "done");
        }
    }
}

/// The tool results of the failed turn stay in what the model is sent, so that it does nothing twice.
#[sqlx::test]
async fn a_retry_goes_on_from_what_was_done(pool: PgPool) {
    let script = Script::in_order([
        Reply::text("A moment.").and_call("add_task", json!({ "title": "milk" })),
        Reply::text("I have a").fault(Fault::Cut { after: 3 }),
        Reply::text("I added it."),
    ]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("Add milk")).await;
    assert_eq!((turn.end_reason(), ada.task_count().await), ("model_unavailable", 1));
    let id = turn.conversation();
    let retry = json!({ "conversation_id": id, "retry": true });
    let again = ada.run_turn(&retry).await;
    assert_eq!((again.end_reason(), again.text().as_str()), ("done", "I added it."), "{again:#?}");
    assert_eq!(ada.task_count().await, 1);
    // What the failed answer had said is gone, for those who follow as well.
    assert_eq!(again.0[0].data["message"]["seq"], 4);
    let messages = ada.conversation(&id).await["messages"].clone();
    assert_eq!(pluck(&messages, "text"), ["Add milk", "A moment.", "", "I added it."]);
    let turns = messages.as_array().unwrap().iter().map(|message| message["turn"].to_string());
    assert_eq!(turns.collect::<std::collections::HashSet<_>>().len(), 1, "a retry continues the turn");
    let sent = model.requests()[2]["messages"].clone();
    assert_eq!(pluck(&sent, "role"), ["system", "user", "assistant", "tool"]);
    // There is nothing more to retry.
    let problem = ada.chat(&retry).await.problem(409, "conflict");
    assert_eq!(problem["errors"][0]["field"], "retry");
}

#[sqlx::test]
async fn a_turn_that_failed_at_once_or_was_stopped_can_be_retried(pool: PgPool) {
    let script = Script::in_order([Reply::status(400), Reply::text("one two").gate("never", 2), Reply::text("Here.")]);
    let (_model, app) = replica(&pool, script).await;
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let turn = ada.run_turn(&message("Hi")).await;
    let id = turn.conversation();
    let retry = json!({ "conversation_id": id, "retry": true });
    let mut stream = EventStream::open(ada.chat(&retry)).await;
    while stream.next().await.unwrap().name != "text_delta" {}
    ada.chat(&retry).await.problem(409, "turn_at_work");
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    TurnEvents::read_to_end(&mut stream).await;
    eve.chat(&retry).await.problem(404, "not_found");
    assert_eq!(ada.run_turn(&retry).await.text(), "Here.");
    let messages = ada.conversation(&id).await["messages"].clone();
    assert_eq!(pluck(&messages, "text"), ["Hi", "Here."]);
    for (form, field, rule) in [
        (json!({ "retry": true }), "conversation_id", "is required"),
        (json!({ "retry": true, "conversation_id": id, "message": "Hi" }), "retry", "must not come with"),
        (json!({ "retry": true, "conversation_id": id, "confirm": true }), "retry", "must not come with"),
        (json!({ "retry": false, "conversation_id": id }), "message", "is required"),
    ] {
        ada.chat(&form).await.expect_field_error(field, rule);
    }
}

#[sqlx::test]
async fn a_message_with_the_same_key_is_sent_once(pool: PgPool) {
    let add = Reply::call("add_task", json!({ "title": "milk" }));
    let (model, app) = replica(&pool, Script::in_order([add, Reply::text("I added it.").gate("more", 2)])).await;
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let send = |client: &Client, text: &str| client.chat(&message(text)).header("idempotency-key", "k1");
    let mut first = EventStream::open(send(&ada, "Add milk")).await;
    while first.next().await.unwrap().name != "text_delta" {}
    drop(first);
    // While the turn is at work, and when it has ended, the same request follows the same turn.
    let mut second = EventStream::open(send(&ada, "Add milk")).await;
    let started = second.expect("message_start").await;
    model.open("more");
    let mut turn = TurnEvents::read_to_end(&mut second).await;
    turn.0.insert(0, started);
    assert_eq!((turn.end_reason(), turn.text().as_str()), ("done", "I added it."));
    let third = TurnEvents::from_call(send(&ada, "Add milk")).await;
    assert_eq!((third.names(), third.text()), (turn.names(), turn.text()));
    assert_eq!((third.conversation(), ada.task_count().await, model.requests().len()), (turn.conversation(), 1, 2));

    send(&ada, "Add bread").await.problem(422, "idempotency_key_reused");
    ada.chat(&message("Hi")).header("idempotency-key", "a b").await.problem(422, "validation");
    // The key of another user is another key.
    let other = TurnEvents::from_call(send(&bea, "Add milk")).await;
    assert_eq!(other.end_reason(), "model_refused");
    ada.delete(&format!("/api/conversations/{}", turn.conversation())).await.ok(204);
    send(&ada, "Add milk").await.problem(404, "not_found");
}

#[sqlx::test]
async fn two_requests_with_one_key_at_the_same_time_are_one(pool: PgPool) {
    let (model, app) = replica(&pool, Script::in_order([Reply::text("Hello."), Reply::text("Again.")])).await;
    let ada = app.user("ada").await;
    let form = message("Hi");
    let send = || TurnEvents::from_call(ada.chat(&form).header("idempotency-key", "k1"));
    let (first, second) = tokio::join!(send(), send());
    assert_eq!((first.text(), first.conversation()), (second.text(), second.conversation()));
    assert_eq!((first.text().as_str(), model.requests().len()), ("Hello.", 1));
}

/// A refused request uses up no key.
#[sqlx::test]
async fn a_key_of_a_refused_message_can_be_used_again(pool: PgPool) {
    let script = Script::in_order([Reply::text("one two").gate("more", 2), Reply::text("Two.").quirk(Quirk::Json)]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let mut first = EventStream::open(ada.chat(&message("Hi"))).await;
    let id = first.expect("message_start").await.data["conversation_id"].as_str().unwrap().to_owned();
    let send = || ada.chat(&message_in(&id, "Again")).header("idempotency-key", "k1");
    send().await.problem(409, "turn_at_work");
    model.open("more");
    TurnEvents::read_to_end(&mut first).await;
    assert_eq!(TurnEvents::from_call(send()).await.text(), "Two.");
}
