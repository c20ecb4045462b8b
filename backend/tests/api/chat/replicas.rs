//! Turns that several replicas share, also when one of the replicas dies or stops.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::PgPool;
use todo_backend::chat::Limits;
use todo_llm::{Model, Reply, Script};

use super::{
    streams::{conversation_events, read_until_text},
    support::{TIMEOUT, TurnEvents, message, message_in, replica_with_limits, replica_with_settings},
};
use crate::{
    events::EventStream,
    support::{App, Client},
};

/// A lease that expires within a test.
fn short_lease() -> Limits {
    Limits { lease: Duration::from_millis(600), renewal: Duration::from_millis(100), ..Limits::default() }
}

/// Two replicas that use the same database and the same model.
fn two_replicas(pool: &PgPool, model: &Model, limits: Limits) -> [App; 2] {
    [replica_with_limits(pool, model, limits.clone()), replica_with_limits(pool, model, limits)]
}

/// Starts a turn, and reads its stream up to the text "one ". Returns the stream and the id of the conversation.
async fn start_turn(client: &Client) -> (EventStream, String) {
    let mut stream = EventStream::open(client.chat(&message("Count"))).await;
    let id = read_until_text(&mut stream, "one ").await.conversation();
    (stream, id)
}

#[sqlx::test]
async fn a_turn_can_be_streamed_and_cancelled_on_another_replica(pool: PgPool) {
    let model = Model::start(Script::in_order([
        Reply::text("one two").gate("more", 2),
        Reply::text("three four").gate("never", 2),
    ]))
    .await;
    let [first, second] = two_replicas(&pool, &model, Limits::default());
    let ada = first.user("ada").await;
    let (mut stream, id) = start_turn(&ada).await;
    let mut other = EventStream::open(conversation_events(&ada.on(&second), &id, "0")).await;
    read_until_text(&mut other, "one ").await;
    ada.on(&second).chat(&message_in(&id, "More")).await.problem(409, "turn_at_work");
    model.open("more");
    assert_eq!(TurnEvents::read_to_end(&mut other).await.end_reason(), "done");
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "done");

    let mut stream = EventStream::open(ada.on(&second).chat(&message_in(&id, "More"))).await;
    read_until_text(&mut stream, "three ").await;
    let stopped = Instant::now();
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "cancelled");
    assert!(
        stopped.elapsed() < Duration::from_secs(1),
        "the turn ends only at the next renewal of its lease: {:?}",
        stopped.elapsed()
    );
}

/// The answer takes longer than a lease lasts.
#[sqlx::test]
async fn a_renewed_lease_keeps_a_long_turn_running(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("more", 2)])).await;
    let [first, second] = two_replicas(&pool, &model, short_lease());
    let ada = first.user("ada").await;
    let (mut stream, id) = start_turn(&ada).await;
    let begun = Instant::now();
    while begun.elapsed() < short_lease().lease * 3 {
        let conversation = ada.on(&second).conversation(&id).await;
        assert_eq!(conversation["at_work"], true);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    model.open("more");
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "done");
}

#[sqlx::test]
async fn a_turn_of_a_dead_replica_ends_and_the_conversation_continues(pool: PgPool) {
    let model = Model::start(Script::in_order([
        Reply::text("one two").gate("never", 2),
        Reply::call("list_tasks", json!({})),
        Reply::text("Here I am."),
    ]))
    .await;
    // Shutting down this runtime ends the replica without a clean-up, like the death of its process.
    let killed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let second = replica_with_limits(&pool, &model, short_lease());
    let ada = second.user("ada").await;
    let id = {
        let (options, url) = ((*pool.connect_options()).clone(), model.url());
        let ada = ada.clone();
        let conversation = killed.spawn(async move {
            let pool = sqlx::postgres::PgPoolOptions::new().connect_with(options).await.unwrap();
            let first = super::support::replica_with_settings(&pool, &[("OPENAI_BASE_URL", &url)], short_lease());
            start_turn(&ada.on(&first)).await.1
        });
        conversation.await.unwrap()
    };
    let mut stream = EventStream::open(conversation_events(&ada, &id, "0")).await;
    read_until_text(&mut stream, "one ").await;
    killed.shutdown_background();
    let turn = TurnEvents::read_to_end(&mut stream).await;
    assert_eq!(turn.end_reason(), "interrupted");
    let messages = ada.messages(&id).await;
    assert_eq!((&messages[1]["text"], &messages[1]["status"]), (&json!("one "), &json!("failed")));
    assert_eq!(messages[1]["error"]["code"], "interrupted");
    assert_eq!(ada.run_turn(&message_in(&id, "More")).await.text(), "Here I am.");
    assert_eq!(model.requests()[1]["messages"][2]["content"], "one ");
}

/// No stream is open, so that no other request ends the turn first.
#[sqlx::test]
async fn the_next_request_ends_a_turn_whose_lease_has_expired(pool: PgPool) {
    let replies = (0..8).map(|_| Reply::text("one two").gate("never", 2));
    let model = Model::start(Script::in_order(replies)).await;
    let settings = [("OPENAI_BASE_URL", &*model.url()), ("MAX_TURNS_PER_USER", "9")];
    let app = replica_with_settings(&pool, &settings, Limits::default());
    let ada = app.user("ada").await;
    for (request, status) in [("get", 200), ("events", 200), ("cancel", 204), ("chat", 200)] {
        let (_stream, id) = start_turn(&ada).await;
        // This is the state that a replica leaves when it dies during a turn.
        let expire = "update conversations set run = gen_random_uuid(), leased_until = now() - interval '1 second'
            where run is not null";
        sqlx::query(expire).execute(&pool).await.unwrap();
        let reply = match request {
            "get" => ada.get(&format!("/api/conversations/{id}")).await.status,
            "events" => conversation_events(&ada, &id, "0").await.status,
            "cancel" => ada.post(&format!("/api/chat/{id}/cancel")).await.status,
            _ => {
                let mut next = EventStream::open(ada.chat(&message_in(&id, "More"))).await;
                read_until_text(&mut next, "one ").await;
                ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
                200
            }
        };
        assert_eq!(reply, status, "{request}");
        let message = ada.messages(&id).await[1].clone();
        assert_eq!((&message["text"], &message["error"]["code"]), (&json!("one "), &json!("interrupted")), "{request}");
    }
}

/// The first run has lost its lease, but does not know it yet.
#[sqlx::test]
async fn a_replaced_run_writes_nothing(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("more", 2), Reply::text("Next.")])).await;
    let app = replica_with_limits(&pool, &model, Limits { renewal: Duration::from_mins(1), ..Limits::default() });
    let ada = app.user("ada").await;
    let (_stream, id) = start_turn(&ada).await;
    sqlx::query("update conversations set leased_until = now() - interval '1 second'").execute(&pool).await.unwrap();
    assert_eq!(ada.run_turn(&message_in(&id, "More")).await.text(), "Next.");
    model.open("more");
    tokio::time::timeout(TIMEOUT, app.state.chat.wait_until_idle()).await.expect("both runs end");
    let texts: Vec<_> = ada.messages(&id).await.iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["Count", "one ", "More", "Next."]);
}

#[sqlx::test]
async fn a_shutdown_ends_the_turn_and_its_streams(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("never", 2), Reply::text("Next.")])).await;
    let [first, second] = two_replicas(&pool, &model, Limits::default());
    let ada = first.user("ada").await;
    let (mut stream, id) = start_turn(&ada).await;
    let mut other = EventStream::open(conversation_events(&ada.on(&second), &id, "0")).await;
    first.state.shutdown.cancel();
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "interrupted");
    assert_eq!(TurnEvents::read_to_end(&mut other).await.end_reason(), "interrupted");
    tokio::time::timeout(TIMEOUT, first.state.chat.wait_until_idle()).await.expect("no turn is left");
    assert_eq!(ada.on(&second).run_turn(&message_in(&id, "More")).await.text(), "Next.");
}

/// A stream ends with the replica that serves it. Another replica continues it.
#[sqlx::test]
async fn a_shutdown_of_another_replica_does_not_end_the_turn(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("more", 2)])).await;
    let [first, second] = two_replicas(&pool, &model, Limits::default());
    let ada = first.user("ada").await;
    let (mut stream, id) = start_turn(&ada).await;
    let mut other = EventStream::open(conversation_events(&ada.on(&second), &id, "0")).await;
    let seen = read_until_text(&mut other, "one ").await.last().id.unwrap().to_string();
    second.state.shutdown.cancel();
    assert_eq!(TurnEvents::read_to_end(&mut other).await.0, []);
    model.open("more");
    let mut again = EventStream::open(conversation_events(&ada, &id, &seen)).await;
    let turn = TurnEvents::read_to_end(&mut again).await;
    assert_eq!((turn.text().as_str(), turn.end_reason()), ("two", "done"));
    assert_eq!(TurnEvents::read_to_end(&mut stream).await.end_reason(), "done");
}
