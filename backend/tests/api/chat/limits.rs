//! How much of the chat one user may have, and all users together.

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::{chat::Limits, server::cleanup::remove_expired};
use todo_llm::{Fault, Model, Reply, Script};
use tokio::time::timeout;

use super::support::{TIMEOUT, TurnEvents, message, message_in, replica, replica_with_settings};
use crate::{
    events::EventStream,
    support::{App, Client, Reply as HttpReply},
};

async fn replica_with(pool: &PgPool, script: Script, settings: &[(&str, &str)]) -> (Model, App) {
    let model = Model::start(script).await;
    let url = model.url();
    let settings = [&[("OPENAI_BASE_URL", &*url)], settings].concat();
    let app = replica_with_settings(pool, &settings, Limits::default());
    (model, app)
}

/// Starts a turn whose answer waits at a gate.
async fn start_turn(client: &Client) -> EventStream {
    let mut stream = EventStream::open(client.chat(&message("Count"))).await;
    stream.expect("message_start").await;
    stream.expect("message_start").await;
    stream.expect("text_delta").await;
    stream
}

async fn conversation_count(client: &Client) -> usize {
    client.get("/api/conversations").await.ok(200)["conversations"].as_array().unwrap().len()
}

#[sqlx::test]
async fn turns_at_a_time_are_bounded_per_user_and_process(pool: PgPool) {
    let script = Script::in_order((0..5).map(|_| Reply::text("one two").gate("more", 2)));
    let (model, app) = replica_with(&pool, script, &[("MAX_TURNS_PER_USER", "2"), ("MAX_TURNS", "3")]).await;
    let [ada, bea, cy] = [app.user("ada").await, app.user("bea").await, app.user("cy").await];
    let mut first = start_turn(&ada).await;
    // A turn goes on when its stream is closed.
    drop(start_turn(&ada).await);
    let refused = ada.chat(&message("3")).await;
    let problem = refused.problem(429, "too_many_turns");
    let detail = "You have 2 turns of the chat at the same time, which is the limit. Wait until one has ended.";
    assert_eq!((problem["detail"].as_str(), refused.header("retry-after")), (Some(detail), "2"));
    let _third = start_turn(&bea).await;
    let refused = cy.chat(&message("4")).await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "2");
    // A refused message is not stored.
    assert_eq!((conversation_count(&ada).await, conversation_count(&cy).await), (2, 0));
    model.open("more");
    TurnEvents::read_to_end(&mut first).await;
    // A turn gives its place back just after the end of its stream.
    let accepted = async { while ada.chat(&message("5")).open().await.status() != 200 {} };
    timeout(TIMEOUT, accepted).await.expect("an ended turn makes room");
}

#[sqlx::test]
async fn the_conversations_of_a_user_are_bounded(pool: PgPool) {
    let script = Script::in_order((0..6).map(|_| Reply::text("Yes.")));
    let (_model, app) = replica_with(&pool, script, &[("MAX_CONVERSATIONS_PER_USER", "2")]).await;
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let id = ada.run_turn(&message("1")).await.conversation();
    ada.run_turn(&message("2")).await;
    let problem = ada.chat(&message("3")).await.problem(409, "quota_reached");
    assert_eq!(problem["errors"][0]["field"], "max_conversations_per_user", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("at most 2 conversations"), "{problem}");
    assert_eq!(conversation_count(&ada).await, 2);
    // What exists goes on, and another user is not concerned.
    assert_eq!(ada.run_turn(&message_in(&id, "3")).await.end_reason(), "done");
    assert_eq!(bea.run_turn(&message("1")).await.end_reason(), "done");
    ada.delete(&format!("/api/conversations/{id}")).await.ok(204);
    assert_eq!(ada.run_turn(&message("3")).await.end_reason(), "done");
}

/// Asserts that a daily budget is used up, and that the answer names it and when it begins anew.
#[track_caller]
fn expect_budget_reached(reply: &HttpReply, budget: &str) {
    let problem = reply.problem(429, "daily_budget_reached");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(budget) && detail.contains("00:00 UTC"), "{detail}");
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=86_400).contains(&seconds), "{seconds}");
}

/// Lets a day pass.
async fn end_day(pool: &PgPool) {
    sqlx::raw_sql("update chat_usage set day = day - 1; update chat_usage_of_users set day = day - 1")
        .execute(pool)
        .await
        .unwrap();
}

async fn usage(pool: &PgPool) -> Vec<(i64, i64)> {
    let usage = "select turns, tokens from chat_usage union all select turns, tokens from chat_usage_of_users";
    sqlx::query_as(usage).fetch_all(pool).await.unwrap()
}

#[sqlx::test]
async fn turns_have_a_daily_budget(pool: PgPool) {
    let answers = || Script::in_order((0..9).map(|_| Reply::text("Yes.")));
    let settings = [("CHAT_TURNS_PER_DAY", "2"), ("CHAT_TOTAL_TURNS_PER_DAY", "3")];
    let (_model, app) = replica_with(&pool, answers(), &settings).await;
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let id = ada.run_turn(&message("1")).await.conversation();
    ada.run_turn(&message_in(&id, "2")).await;
    // The budget holds for every replica, and after a restart.
    let (_model, other) = replica_with(&pool, answers(), &settings).await;
    for form in [message("3"), message_in(&id, "3")] {
        expect_budget_reached(&ada.on(&other).chat(&form).await, "your 2 messages of the day");
    }
    // A refused message is not stored, and does not count for all users.
    assert_eq!((conversation_count(&ada).await, ada.messages(&id).await.len()), (1, 4));
    bea.run_turn(&message("1")).await;
    expect_budget_reached(&bea.chat(&message("2")).await, "the 3 messages of the day of all users");
    end_day(&pool).await;
    assert_eq!(ada.run_turn(&message_in(&id, "3")).await.end_reason(), "done");
}

#[sqlx::test]
async fn tokens_have_a_daily_budget(pool: PgPool) {
    let answers = Script::in_order((0..9).map(|_| Reply::text("Yes.")));
    let settings = [("CHAT_TOKENS_PER_DAY", "10"), ("CHAT_TOTAL_TOKENS_PER_DAY", "1000000")];
    let (model, app) = replica_with(&pool, answers, &settings).await;
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let id = ada.run_turn(&message("1")).await.conversation();
    app.state.chat.wait_until_idle().await;
    let tokens = usage(&pool).await[0].1;
    assert!(tokens > 10, "{tokens}");
    assert_eq!(usage(&pool).await, [(1, tokens), (1, tokens)]);
    expect_budget_reached(&ada.chat(&message_in(&id, "2")).await, "your 10 tokens of the day");
    assert_eq!(bea.run_turn(&message("1")).await.end_reason(), "done");
    let (_model, full) = replica_with(&pool, Script::default(), &[("CHAT_TOTAL_TOKENS_PER_DAY", "20")]).await;
    let cy = full.user("cy").await;
    expect_budget_reached(&cy.chat(&message("1")).await, "the 20 tokens of the day of all users");
    end_day(&pool).await;
    assert_eq!(ada.run_turn(&message_in(&id, "2")).await.end_reason(), "done");
    drop(model);
}

/// An answer that breaks off or is stopped has cost as much as what was sent and received, which nobody reports.
#[sqlx::test]
async fn tokens_of_an_answer_that_does_not_end_are_estimated(pool: PgPool) {
    let script = Script::in_order([
        Reply::text("one two three").fault(Fault::Cut { after: 3 }),
        Reply::text("one two").gate("never", 2),
    ]);
    let (_model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("Hi")).await;
    assert_eq!(turn.end_reason(), "model_unavailable");
    let mut stream = EventStream::open(ada.chat(&message_in(&turn.conversation(), "Again"))).await;
    while stream.next().await.unwrap().name != "text_delta" {}
    let broken = usage(&pool).await;
    assert!(broken[0].1 > 100, "the system message alone has more tokens: {broken:?}");
    ada.post(&format!("/api/chat/{}/cancel", turn.conversation())).await.ok(204);
    TurnEvents::read_to_end(&mut stream).await;
    app.state.chat.wait_until_idle().await;
    let [both, of_ada] = usage(&pool).await[..] else { panic!("more than two rows") };
    assert_eq!((both, both.0), (of_ada, 2));
    assert!(both.1 > broken[0].1 + 100, "{broken:?}, then {both:?}");
}

#[sqlx::test]
async fn counts_of_days_before_yesterday_are_removed(pool: PgPool) {
    App::new(&pool).user("ada").await;
    sqlx::raw_sql(
        "insert into chat_usage select (now() at time zone 'utc')::date - age, age, 0 from generate_series(0, 4) age;
         insert into chat_usage_of_users select id, day, turns, 0 from users, chat_usage",
    )
    .execute(&pool)
    .await
    .unwrap();
    remove_expired(&pool).await.unwrap();
    assert_eq!(usage(&pool).await, [(0, 0), (1, 0), (0, 0), (1, 0)]);
}

/// Puts messages of this size into a conversation.
async fn insert_messages(pool: &PgPool, id: &str, count: i32, bytes: i32) {
    sqlx::query(
        "insert into messages (conversation_id, seq, turn, role, status, text)
         select $1::text::uuid, number, gen_random_uuid(), 'user', 'done', number || repeat('x', $3)
         from generate_series(3, $2 + 2) number",
    )
    .bind(id)
    .bind(count)
    .bind(bytes)
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test]
async fn a_conversation_is_read_from_its_end_up_to_a_number_of_bytes(pool: PgPool) {
    let script = Script::in_order([Reply::text("Yes."), Reply::text("Again.")]);
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let id = ada.run_turn(&message("Hi")).await.conversation();
    insert_messages(&pool, &id, 40, 100_000).await;
    let reply = ada.get(&format!("/api/conversations/{id}")).await;
    assert!(reply.body.len() < 1_100_000, "{} bytes", reply.body.len());
    let messages = reply.ok(200)["messages"].as_array().unwrap().clone();
    assert_eq!((messages.len(), &messages[0]["seq"], &messages[9]["seq"]), (10, &json!(33), &json!(42)));
    // The model gets the message that it has to answer, whatever comes before it.
    assert_eq!(ada.run_turn(&message_in(&id, "Again")).await.end_reason(), "done");
    let sent = model.requests()[1]["messages"].as_array().unwrap().clone();
    assert_eq!(sent.last().unwrap()["content"], "Again");
    assert_eq!(sent.len(), 2);
}

/// One message that is larger than the bound is still read.
#[sqlx::test]
async fn the_newest_message_is_always_read(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::in_order([Reply::text("Yes.")])).await;
    let ada = app.user("ada").await;
    let id = ada.run_turn(&message("Hi")).await.conversation();
    insert_messages(&pool, &id, 2, 2_000_000).await;
    let seqs: Vec<Value> = ada.messages(&id).await.iter().map(|message| message["seq"].clone()).collect();
    assert_eq!(seqs, [json!(4)]);
}
