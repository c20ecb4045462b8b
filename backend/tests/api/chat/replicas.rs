//! Several replicas are one service, also when one of them dies or stops.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::PgPool;
use todo_backend::chat::Limits;
use todo_llm::{Model, Reply, Script};

use super::{
    following::{events, until_text},
    support::{PATIENCE, Received, message, message_in, of},
};
use crate::events::Events;

fn short() -> Limits {
    Limits { lease: Duration::from_millis(600), renewal: Duration::from_millis(100), ..Limits::default() }
}

#[sqlx::test]
async fn an_answer_made_here_is_followed_and_stopped_there(pool: PgPool) {
    let model = Model::start(Script::in_order([
        Reply::text("one two").gate("more", 2),
        Reply::text("three four").gate("never", 2),
    ]))
    .await;
    let [here, there] = [of(&pool, &model, Limits::default()), of(&pool, &model, Limits::default())];
    let ada = here.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    let mut other = Events::open(events(&ada.on(&there), &id, "0")).await;
    until_text(&mut other, "one ").await;
    ada.on(&there).chat(&message_in(&id, "More")).await.problem(409, "turn_at_work");
    model.open("more");
    assert_eq!(Received::rest(&mut other).await.end(), "done");
    assert_eq!(Received::rest(&mut stream).await.end(), "done");

    let mut stream = Events::open(ada.on(&there).chat(&message_in(&id, "More"))).await;
    until_text(&mut stream, "three ").await;
    let stopped = Instant::now();
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    assert_eq!(Received::rest(&mut stream).await.end(), "cancelled");
    assert!(
        stopped.elapsed() < Duration::from_secs(1),
        "told at once, not at the next renewal: {:?}",
        stopped.elapsed()
    );
}

/// A long answer outlives its lease by far, since the lease is renewed.
#[sqlx::test]
async fn who_is_at_work_is_not_taken_for_dead(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("more", 2)])).await;
    let [here, there] = [of(&pool, &model, short()), of(&pool, &model, short())];
    let ada = here.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    let begun = Instant::now();
    while begun.elapsed() < short().lease * 3 {
        let conversation = ada.on(&there).conversation(&id).await;
        assert_eq!(conversation["at_work"], true);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    model.open("more");
    assert_eq!(Received::rest(&mut stream).await.end(), "done");
}

#[sqlx::test]
async fn a_replica_that_dies_is_noticed_and_the_conversation_goes_on(pool: PgPool) {
    let model = Model::start(Script::in_order([
        Reply::text("one two").gate("never", 2),
        Reply::call("list_tasks", json!({})),
        Reply::text("Here I am."),
    ]))
    .await;
    // What happens in this runtime ends with it, without a chance to say so.
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let there = of(&pool, &model, short());
    let ada = there.user("ada").await;
    let id = {
        let (options, url) = ((*pool.connect_options()).clone(), model.url());
        let ada = ada.clone();
        let conversation = doomed.spawn(async move {
            let pool = sqlx::postgres::PgPoolOptions::new().connect_with(options).await.unwrap();
            let here = super::support::configured(&pool, &[("OPENAI_BASE_URL", &url)], short());
            let mut stream = Events::open(ada.on(&here).chat(&message("Count"))).await;
            until_text(&mut stream, "one ").await.conversation()
        });
        conversation.await.unwrap()
    };
    let mut stream = Events::open(events(&ada, &id, "0")).await;
    until_text(&mut stream, "one ").await;
    doomed.shutdown_background();
    let told = Received::rest(&mut stream).await;
    assert_eq!(told.end(), "interrupted");
    let messages = ada.messages(&id).await;
    assert_eq!((&messages[1]["text"], &messages[1]["status"]), (&json!("one "), &json!("failed")));
    assert_eq!(messages[1]["error"]["code"], "interrupted");
    assert_eq!(ada.say(&message_in(&id, "More")).await.text(), "Here I am.");
    assert_eq!(model.requests()[1]["messages"][2]["content"], "one ");
}

/// Nobody follows; the next who asks finds it.
#[sqlx::test]
async fn an_abandoned_turn_is_ended_by_whoever_looks(pool: PgPool) {
    let replies = (0..8).map(|_| Reply::text("one two").gate("never", 2));
    let model = Model::start(Script::in_order(replies)).await;
    let app = of(&pool, &model, Limits::default());
    let ada = app.user("ada").await;
    for (way, status) in [("get", 200), ("events", 200), ("cancel", 204), ("chat", 200)] {
        let mut stream = Events::open(ada.chat(&message("Count"))).await;
        let id = until_text(&mut stream, "one ").await.conversation();
        // As if another replica held it, which has died in the middle of a tool.
        let dead = "update conversations set run = gen_random_uuid(), leased_until = now() - interval '1 second'
            where run is not null";
        sqlx::query(dead).execute(&pool).await.unwrap();
        let reply = match way {
            "get" => ada.get(&format!("/api/conversations/{id}")).await.status,
            "events" => events(&ada, &id, "0").await.status,
            "cancel" => ada.post(&format!("/api/chat/{id}/cancel")).await.status,
            _ => {
                let mut next = Events::open(ada.chat(&message_in(&id, "More"))).await;
                until_text(&mut next, "one ").await;
                ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
                200
            }
        };
        assert_eq!(reply, status, "{way}");
        let message = ada.messages(&id).await[1].clone();
        assert_eq!((&message["text"], &message["error"]["code"]), (&json!("one "), &json!("interrupted")), "{way}");
    }
}

/// Who lost the conversation does not write to it any more.
#[sqlx::test]
async fn a_run_that_was_replaced_writes_nothing(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("more", 2), Reply::text("Next.")])).await;
    let app = of(&pool, &model, Limits { renewal: Duration::from_mins(1), ..Limits::default() });
    let ada = app.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    sqlx::query("update conversations set leased_until = now() - interval '1 second'").execute(&pool).await.unwrap();
    assert_eq!(ada.say(&message_in(&id, "More")).await.text(), "Next.");
    model.open("more");
    tokio::time::timeout(PATIENCE, app.state.chat.until_idle()).await.expect("both runs end");
    let texts: Vec<_> = ada.messages(&id).await.iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["Count", "one ", "More", "Next."]);
}

#[sqlx::test]
async fn a_shutdown_ends_the_turn_and_its_streams(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("never", 2), Reply::text("Next.")])).await;
    let [here, there] = [of(&pool, &model, Limits::default()), of(&pool, &model, Limits::default())];
    let ada = here.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    let mut other = Events::open(events(&ada.on(&there), &id, "0")).await;
    here.state.shutdown.cancel();
    assert_eq!(Received::rest(&mut stream).await.end(), "interrupted");
    assert_eq!(Received::rest(&mut other).await.end(), "interrupted");
    tokio::time::timeout(PATIENCE, here.state.chat.until_idle()).await.expect("no turn is left");
    assert_eq!(ada.on(&there).say(&message_in(&id, "More")).await.text(), "Next.");
}

/// A stream that follows a turn of another replica ends with its own, to be opened there again.
#[sqlx::test]
async fn a_shutdown_of_another_replica_leaves_the_turn_alone(pool: PgPool) {
    let model = Model::start(Script::in_order([Reply::text("one two").gate("more", 2)])).await;
    let [here, there] = [of(&pool, &model, Limits::default()), of(&pool, &model, Limits::default())];
    let ada = here.user("ada").await;
    let mut stream = Events::open(ada.chat(&message("Count"))).await;
    let id = until_text(&mut stream, "one ").await.conversation();
    let mut other = Events::open(events(&ada.on(&there), &id, "0")).await;
    let seen = until_text(&mut other, "one ").await.last().id.unwrap().to_string();
    there.state.shutdown.cancel();
    assert_eq!(Received::rest(&mut other).await.0, []);
    model.open("more");
    let mut again = Events::open(events(&ada, &id, &seen)).await;
    let told = Received::rest(&mut again).await;
    assert_eq!((told.text().as_str(), told.end()), ("two", "done"));
    assert_eq!(Received::rest(&mut stream).await.end(), "done");
}
