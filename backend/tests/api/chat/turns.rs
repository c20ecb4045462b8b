//! Turns without tools, and the list of conversations.

use serde_json::json;
use sqlx::PgPool;
use todo_llm::{Fault, Reply, Script};

use super::support::{API_KEY, TurnEvents, message, message_in, replica};
use crate::support::{App, pluck};

#[sqlx::test]
async fn an_answer_is_streamed_and_stored(pool: PgPool) {
    let (model, app) = replica(&pool, Script::in_order([Reply::text("Hello, Ada. **How** are you?")])).await;
    let ada = app.user("ada").await;
    let turn = ada.run_turn(&message("  Hi there ")).await;
    let names = turn.names();
    assert_eq!(names[..2], ["message_start", "message_start"], "{turn:#?}");
    assert_eq!(turn.end_reason(), "done");
    assert_eq!(turn.text(), "Hello, Ada. **How** are you?");
    assert_eq!(turn.0[0].data["title"], "Hi there");
    assert_eq!(turn.0[0].data["message"]["text"], "  Hi there ");
    assert_eq!(turn.0[1].data["message"]["status"], "streaming");

    let conversation = ada.conversation(&turn.conversation()).await;
    assert_eq!(conversation["title"], "Hi there");
    assert_eq!(conversation["at_work"], false);
    assert_eq!(conversation["position"], turn.last().id.unwrap().to_string());
    assert_eq!(
        ada.messages(&turn.conversation()).await,
        [
            json!({ "seq": 1, "role": "user", "text": "  Hi there ", "reasoning": "", "tool": null, "status": "done",
            "error": null, "end_reason": null }),
            json!({ "seq": 2, "role": "assistant", "text": "Hello, Ada. **How** are you?", "reasoning": "", "tool": null,
            "status": "done", "error": null, "end_reason": null }),
        ]
    );

    let request = &model.requests()[0];
    assert_eq!((&request["stream"], &request["model"]), (&json!(true), &json!("gpt-5-mini")));
    assert_eq!(request["messages"][0]["role"], "system");
    assert_eq!(request["messages"][1], json!({ "role": "user", "content": "  Hi there " }));
}

#[sqlx::test]
async fn the_model_receives_the_earlier_messages(pool: PgPool) {
    let (model, app) = replica(&pool, Script::in_order([Reply::text("One."), Reply::text("Two.")])).await;
    let ada = app.user("ada").await;
    let id = ada.run_turn(&message("first")).await.conversation();
    let turn = ada.run_turn(&message_in(&id, "second")).await;
    assert_eq!((turn.conversation(), turn.end_reason()), (id.clone(), "done"));
    let messages = model.requests()[1]["messages"].clone();
    assert_eq!(pluck(&messages, "content")[1..], ["first", "One.", "second"]);
    assert_eq!(ada.messages(&id).await.len(), 4);
}

#[sqlx::test]
async fn a_chat_without_a_model_names_the_missing_setting(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    assert_eq!(ada.get("/api/chat").await.ok(200), json!({ "configured": false, "model": null }));
    let reply = ada.chat(&message("Hi")).await;
    let problem = reply.problem(503, "chat_not_configured");
    assert!(problem["detail"].as_str().unwrap().contains("OPENAI_API_KEY"), "{problem}");
    assert!(!reply.headers.contains_key("retry-after"), "waiting does not help");
    // The rest of the application works.
    assert_eq!(ada.get("/api/conversations").await.ok(200), json!({ "conversations": [], "next_cursor": null }));
    ada.task("a").await;

    for (settings, model) in [
        (&[("OPENAI_API_KEY", API_KEY)][..], "gpt-5-mini"),
        (&[("OPENAI_BASE_URL", "http://ollama:11434/v1"), ("OPENAI_MODEL", "qwen3")][..], "qwen3"),
    ] {
        let app = App::with_settings(&pool, settings);
        let info = ada.on(&app).get("/api/chat").await.ok(200);
        assert_eq!(info, json!({ "configured": true, "model": model }));
    }
}

#[sqlx::test]
async fn invalid_messages_are_refused_by_field(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::default()).await;
    let ada = app.user("ada").await;
    let long = "x".repeat(4001);
    let id = "0190a8a0-0000-7000-8000-000000000000";
    for (form, field, rule) in [
        (json!({}), "message", "is required"),
        (json!({ "message": "  \n" }), "message", "1 to 4000"),
        (json!({ "message": long }), "message", "1 to 4000"),
        (json!({ "message": "a\u{0}" }), "message", "NUL"),
        (json!({ "message": "a", "confirm": true, "conversation_id": id }), "confirm", "must not come with"),
        (json!({ "confirm": true }), "conversation_id", "is required"),
        (json!({ "message": "a", "replace_from": 1 }), "conversation_id", "is required"),
        (json!({ "confirm": true, "replace_from": 1, "conversation_id": id }), "replace_from", "must come with"),
        (json!({ "message": "a", "who": "bea" }), "who", "is not a known field"),
    ] {
        ada.chat(&form).await.expect_field_error(field, rule);
    }
    app.anonymous().chat(&message("a")).await.problem(401, "unauthorized");
}

#[sqlx::test]
async fn a_conversation_belongs_to_one_user(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::in_order([Reply::text("Hello.")])).await;
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let id = ada.run_turn(&message("Hi")).await.conversation();
    let path = format!("/api/conversations/{id}");
    for call in [
        eve.get(&path),
        eve.patch(&path).json(&json!({ "title": "mine" })),
        eve.delete(&path),
        eve.chat(&message_in(&id, "Hi")),
        eve.chat(&json!({ "conversation_id": id, "confirm": true })),
        eve.get(&format!("/api/chat/{id}/events")),
        eve.post(&format!("/api/chat/{id}/cancel")),
    ] {
        call.await.problem(404, "not_found");
    }
    assert_eq!(eve.get("/api/conversations").await.ok(200)["conversations"], json!([]));
    assert_eq!(ada.conversation(&id).await["title"], "Hi");
}

#[sqlx::test]
async fn turns_per_minute_are_limited_per_user(pool: PgPool) {
    let model = todo_llm::Model::start(Script::in_order((0..5).map(|_| Reply::text("Yes.")))).await;
    let settings = [("OPENAI_BASE_URL", &*model.url()), ("CHAT_TURNS_PER_MINUTE", "2")];
    let app = super::support::replica_with_settings(&pool, &settings, todo_backend::chat::Limits::default());
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let id = ada.run_turn(&message("1")).await.conversation();
    ada.run_turn(&message_in(&id, "2")).await;
    for form in [message("3"), message_in(&id, "3")] {
        let reply = ada.chat(&form).await;
        reply.problem(429, "too_many_turns");
        let seconds: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    // A refused message is not stored.
    assert_eq!(ada.get("/api/conversations").await.ok(200)["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(ada.messages(&id).await.len(), 4);
    assert_eq!(bea.run_turn(&message("1")).await.end_reason(), "done");
    sqlx::query("update attempts set resets_at = now() - interval '1 second'").execute(&pool).await.unwrap();
    assert_eq!(ada.run_turn(&message_in(&id, "3")).await.end_reason(), "done");
}

#[sqlx::test]
async fn conversations_are_listed_searched_renamed_and_deleted(pool: PgPool) {
    let texts = ["About milk.", "About bread.", "About Größe."];
    let (_model, app) = replica(&pool, Script::in_order(texts.map(Reply::text))).await;
    let ada = app.user("ada").await;
    let mut ids = Vec::new();
    for text in ["first", "second", "third"] {
        ids.push(ada.run_turn(&message(text)).await.conversation());
    }
    let list = async |query: &str| ada.get(&format!("/api/conversations{query}")).await.ok(200);
    let titles = async |query: &str| pluck(&list(query).await["conversations"], "title").join(" ");
    assert_eq!(titles("").await, "third second first");
    assert_eq!(titles("?q=MILK").await, "first");
    assert_eq!(titles("?q=Sec").await, "second");
    assert_eq!(titles("?q=gr%C3%B6%C3%9Fe").await, "third");
    assert_eq!(titles("?q=nothing").await, "");

    let page = list("?limit=2").await;
    assert_eq!(pluck(&page["conversations"], "title"), ["third", "second"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = list(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!((pluck(&rest["conversations"], "title"), &rest["next_cursor"]), (vec!["first"], &json!(null)));

    let path = format!("/api/conversations/{}", ids[0]);
    let renamed = ada.patch(&path).json(&json!({ "title": " Groceries " })).await.ok(200);
    assert_eq!(renamed["title"], "Groceries");
    assert_eq!(titles("").await, "third second Groceries", "renaming does not change the order");
    for title in ["", " ", "a\nb", &"x".repeat(201)] {
        ada.patch(&path).json(&json!({ "title": title })).await.problem(422, "validation");
    }
    ada.delete(&path).await.ok(204);
    ada.delete(&path).await.problem(404, "not_found");
    ada.get(&path).await.problem(404, "not_found");
    assert_eq!(titles("").await, "third second");
    for (query, field) in [("?limit=0", "limit"), ("?limit=101", "limit"), ("?cursor=x", "cursor"), ("?q=%00", "q")] {
        let problem = ada.get(&format!("/api/conversations{query}")).await.problem(422, "validation");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}

#[sqlx::test]
async fn a_long_first_message_gives_a_short_title(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::in_order((0..3).map(|_| Reply::text("Yes.")))).await;
    let ada = app.user("ada").await;
    let word = "x".repeat(300);
    for (text, title) in [
        ("Please\n\tadd  milk", "Please add milk"),
        (
            "Please remind me of the many things that I wanted to do in the garden",
            "Please remind me of the many things that I wanted to do in…",
        ),
        (&*word, &*format!("{}…", "x".repeat(60))),
    ] {
        let id = ada.run_turn(&message(text)).await.conversation();
        assert_eq!(ada.conversation(&id).await["title"], title);
    }
}

#[sqlx::test]
async fn an_edited_message_replaces_the_messages_after_it(pool: PgPool) {
    let replies = ["One.", "Two.", "Three.", "Four."].map(Reply::text);
    let (model, app) = replica(&pool, Script::in_order(replies)).await;
    let ada = app.user("ada").await;
    let id = ada.run_turn(&message("first")).await.conversation();
    ada.run_turn(&message_in(&id, "second")).await;
    ada.run_turn(&message_in(&id, "third")).await;

    let edit = |seq: i32| json!({ "conversation_id": id, "message": "edited", "replace_from": seq });
    for seq in [2, 7, 0, -1] {
        ada.chat(&edit(seq)).await.expect_field_error("replace_from", "must be the seq of a message of yours");
    }
    let turn = ada.run_turn(&edit(3)).await;
    assert_eq!(turn.0[0].data["message"]["seq"], 3);
    let messages = ada.conversation(&id).await["messages"].clone();
    assert_eq!(pluck(&messages, "text"), ["first", "One.", "edited", "Four."]);
    assert_eq!(pluck(&model.requests()[3]["messages"], "content")[1..], ["first", "One.", "edited"]);
    // The events from the beginning end with the same messages.
    let events = ada.get(&format!("/api/chat/{id}/events?last_event_id=0"));
    assert!(TurnEvents::from_call(events).await.text().ends_with("Four."));
}

#[sqlx::test]
async fn metrics_count_turns_and_measure_answers(pool: PgPool) {
    let script = Script::in_order([
        Reply::call("list_tasks", json!({})),
        Reply::text("One two three."),
        Reply::status(401),
        Reply::text("one").fault(Fault::Cut { after: 2 }),
    ]);
    let (_model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    for end in ["done", "model_refused", "model_unavailable"] {
        assert_eq!(ada.run_turn(&message("Hi")).await.end_reason(), end);
    }
    let text = app.metrics().await;
    for line in [
        r#"chat_turns_total{result="done"} 1"#,
        r#"chat_turns_total{result="model_refused"} 1"#,
        r#"chat_turns_total{result="model_unavailable"} 1"#,
        r#"chat_model_errors_total{kind="model_refused"} 1"#,
        r#"chat_model_errors_total{kind="model_unavailable"} 1"#,
        r#"chat_model_errors_total{kind="model_broken"} 0"#,
        "chat_model_first_token_seconds_count 2",
        "chat_model_answer_seconds_count 2",
        r#"tool_calls_total{result="ok",source="chat",tool="list_tasks"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let tokens = |direction: &str| -> u64 {
        let name = format!("chat_model_tokens_total{{direction=\"{direction}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    };
    assert!(tokens("in") > 0 && tokens("out") > 0, "{text}");
}
