//! Habits of model servers: how they write the stream of an answer, and what they want to get back.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::chat::Limits;
use todo_llm::{Fault, Model, Provider, Quirk, Reply, Script};

use super::support::{API_KEY, message, message_in, replica, replica_with_settings};
use crate::support::{App, pluck};

/// A model, and a replica on which a user may send it many messages.
async fn patient_replica(pool: &PgPool) -> (Model, App) {
    let model = Model::start(Script::default()).await;
    let url = model.url();
    let settings = [("OPENAI_BASE_URL", url.as_str()), ("OPENAI_API_KEY", API_KEY), ("CHAT_TURNS_PER_MINUTE", "1000")];
    let app = replica_with_settings(pool, &settings, Limits::default());
    (model, app)
}

/// A chunk with this delta and reason to finish.
fn chunk(delta: &Value, finish: &Value) -> String {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] }).to_string()
}

/// A chunk of text.
fn text(text: &str) -> String {
    chunk(&json!({ "content": text }), &Value::Null)
}

fn end() -> String {
    chunk(&json!({}), &json!("stop"))
}

/// A stream of these data, without `[DONE]`.
fn stream(data: &[String]) -> String {
    data.iter().flat_map(|data| ["data: ", data.as_str(), "\n\n"]).collect()
}

/// Each case has a name and a body, whose text is `one two`.
fn odd_bodies() -> Vec<(&'static str, String)> {
    let with = |field: &str, value: Value| {
        let mut chunk: Value = serde_json::from_str(&text("two")).unwrap();
        chunk[field] = value;
        stream(&[text("one "), chunk.to_string(), end()])
    };
    let between = |line: &str| format!("data: {}\n\n{line}\n\n{}", text("one "), stream(&[text("two"), end()]));
    let plain = stream(&[text("one "), text("two"), end()]);
    let delta = |content: Value| stream(&[text("one "), chunk(&json!({ "content": content }), &Value::Null), end()]);
    let empty = |word: &str| chunk(&json!({ "content": word }), &json!(""));
    vec![
        ("plain", plain.clone()),
        ("a byte order mark", format!("\u{feff}{plain}")),
        ("an empty reason to finish", stream(&[empty("one"), empty(" "), empty("tw"), empty("o"), end()])),
        ("a comment in the data", between("data: : keepalive")),
        ("data that are null", between("data: null")),
        ("data that are a word", between("data: ping")),
        ("an unknown line", between("hello: there")),
        ("a line without a colon", between("hello")),
        ("two ids", between("id: 1\nid: 2\nevent: x\nevent: y\nretry: z")),
        ("choices that are null", between(r#"data: {"choices": null}"#)),
        ("a choice without a delta", between(r#"data: {"choices": [{"index": 0, "delta": null}]}"#)),
        ("usage that is null", with("usage", json!({ "prompt_tokens": null, "completion_tokens": 1.0 }))),
        ("usage that is a text", with("usage", json!("12"))),
        ("an empty error", with("error", json!(""))),
        ("an error without fields", with("error", json!({}))),
        ("an error that is false", with("error", json!(false))),
        ("content in parts", delta(json!([{ "type": "text", "text": "t" }, { "type": "text", "text": "wo" }]))),
        ("content that is a part", delta(json!({ "type": "text", "text": "two" }))),
        ("tool calls that are an object", between(r#"data: {"choices": [{"delta": {"tool_calls": {}}}]}"#)),
        ("two lines of data", plain.replace(r#""choices":"#, "\ndata: \"choices\":")),
        ("ends of lines that are CR", plain.replace('\n', "\r")),
        ("ends of lines that are CR LF", plain.replace('\n', "\r\n")),
        ("no last empty line", plain.trim_end().to_owned() + "\n"),
        ("no last end of a line", plain.trim_end().to_owned()),
        ("no empty lines", plain.replace("\n\n", "\n") + "data: [DONE]"),
        ("no space after the colon", plain.replace("data: ", "data:")),
        ("documents, one a line", plain.replace("data: ", "").replace("\n\n", "\n")),
        ("a byte order mark before documents", format!("\u{feff}{}", plain.replace("data: ", ""))),
    ]
}

#[sqlx::test]
async fn an_odd_field_or_line_does_not_end_an_answer(pool: PgPool) {
    let (model, app) = patient_replica(&pool).await;
    let ada = app.user("ada").await;
    let mut failures = Vec::new();
    for (name, body) in odd_bodies() {
        for split in [false, true] {
            let reply = Reply::raw(body.clone());
            model.set_script(Script::in_order([if split { reply.quirk(Quirk::SplitBytes) } else { reply }]));
            let turn = ada.run_turn(&message("Hi")).await;
            if (turn.text().as_str(), turn.end_reason()) != ("one two", "done") {
                failures.push(format!("{name}: {:?}, {}", turn.text(), turn.last().data));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What may be a part of the answer is not passed over.
#[sqlx::test]
async fn a_piece_of_an_answer_that_cannot_be_read_is_an_error(pool: PgPool) {
    let (model, app) = replica(&pool, Script::default()).await;
    let ada = app.user("ada").await;
    let error = r#"{"code": 500, "message": "context size exceeded", "type": "server_error"}"#;
    for (body, code, word) in [
        (stream(&[text("one"), r#"{"choices": [{"delta": {"cont"#.into(), end()]), "model_broken", "read"),
        (format!("{}error: {error}\n\n", stream(&[text("one")])), "model_unavailable", "context size exceeded"),
        (stream(&[text("one"), format!(r#"{{"error": {error}}}"#)]), "model_unavailable", "context size exceeded"),
        (stream(&[text("one"), r#"{"error": "overloaded"}"#.into()]), "model_unavailable", "overloaded"),
        (
            stream(&[text("one"), r#"{"object": "error", "message": "too long", "code": 400}"#.into()]),
            "model_unavailable",
            "too long",
        ),
    ] {
        model.set_script(Script::in_order([Reply::raw(body.clone())]));
        let turn = ada.run_turn(&message("Hi")).await;
        assert_eq!((turn.text().as_str(), turn.end_reason()), ("one", code), "{body}");
        let detail = turn.last().data["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{detail}");
    }
}

#[sqlx::test]
async fn odd_fields_of_a_tool_call_are_read(pool: PgPool) {
    let (model, app) = replica(&pool, Script::default()).await;
    let add = |title: &str| json!({ "name": "add_task", "arguments": json!({ "title": title }).to_string() });
    let a_call = json!({ "index": 0, "id": "x", "function": add("a") });
    let with = |field: &str, value: Value| {
        let mut call = a_call.clone();
        call[field] = value;
        vec![call]
    };
    let cases = [
        ("an index that is a text", with("index", json!("0")), 1),
        ("an id that is a number", with("id", json!(7)), 1),
        ("an id that is null", with("id", Value::Null), 1),
        ("no type", with("type", Value::Null), 1),
        (
            "arguments that are an object",
            with("function", json!({ "name": "add_task", "arguments": { "title": "a" } })),
            1,
        ),
        (
            "arguments that are null at first",
            vec![
                json!({ "index": 0, "id": "x", "function": { "name": "add_task", "arguments": null } }),
                json!({ "index": 0, "id": null, "function": { "name": null, "arguments": "{\"title\":\"a\"}" } }),
            ],
            1,
        ),
        (
            "the same id with another index",
            vec![a_call.clone(), json!({ "index": 1, "id": "x", "function": add("b") })],
            2,
        ),
        (
            "the same index with another id",
            vec![a_call.clone(), json!({ "index": 0, "id": "y", "function": add("b") })],
            2,
        ),
    ];
    for (number, (name, calls, count)) in cases.into_iter().enumerate() {
        let mut data: Vec<String> =
            calls.into_iter().map(|call| chunk(&json!({ "tool_calls": [call] }), &Value::Null)).collect();
        data.push(chunk(&json!({}), &json!("tool_calls")));
        model.set_script(Script::in_order([Reply::raw(stream(&data)), Reply::text("Done.")]));
        let ada = app.user(&format!("ada{number}")).await;
        let turn = ada.run_turn(&message("Hi")).await;
        assert_eq!((turn.end_reason(), ada.task_count().await), ("done", count), "{name}: {turn:#?}");
        // Each call has an id of its own, by which its result names it.
        let sent = model.requests().pop().unwrap()["messages"].clone();
        let ids: Vec<_> =
            sent.as_array().unwrap().iter().filter_map(|message| message["tool_call_id"].as_str()).collect();
        assert_eq!(ids.len() as u64, count, "{name}: {sent}");
    }
}

/// The scripts write their answers as one kind of server does. Each answer calls `add_task`, and then says that it did.
#[sqlx::test]
async fn every_kind_of_server_is_understood(pool: PgPool) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testing/llm/scripts/models");
    let mut names: Vec<String> = std::fs::read_dir(&scripts)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["deepseek", "gemini", "litellm", "llama_cpp", "mistral", "ollama", "openai", "vllm"]);
    let (model, app) = replica(&pool, Script::default()).await;
    for name in names {
        let script = Script::read(&scripts.join(format!("{name}.yaml"))).unwrap();
        let ada = app.user(&name).await;
        model.set_script(script.clone());
        let turn = ada.run_turn(&message("Add milk")).await;
        assert_eq!((turn.end_reason(), turn.text().trim()), ("done", "I added it."), "{name}: {turn:#?}");
        assert_eq!(ada.task_count().await, 1, "{name}");
        // The next turn sends all of it again.
        let turn = ada.run_turn(&message_in(&turn.conversation(), "Add milk again")).await;
        assert_eq!((turn.end_reason(), ada.task_count().await), ("done", 2), "{name}: {turn:#?}");
        let sent = model.requests().pop().unwrap()["messages"].to_string();
        assert!(!sent.contains("think"), "{name} gets the thoughts of an earlier answer: {sent}");
    }
}

/// The ids, the arguments and further fields go back to the server as they came.
#[sqlx::test]
async fn a_call_is_sent_back_as_it_came(pool: PgPool) {
    let arguments = r#"{ "title" :  "M\u00fcsli",  "description": "" }"#;
    let mut call = Reply::call("add_task", json!(arguments));
    call.tool_calls[0].id = Some("D681PevKs".into());
    let signature = json!({ "google": { "thought_signature": "c2lnbmF0dXJl" } });
    call.tool_calls[0].extra.insert("extra_content".into(), signature.clone());
    let call = Reply { reasoning: "The user wants muesli.".into(), ..call };
    for (provider, name) in
        [(Provider::Mistral, "mistral"), (Provider::Gemini, "gemini"), (Provider::DeepSeek, "deepseek")]
    {
        let replies = [call.clone(), Reply::text("Done."), Reply::text("Again.")];
        let model = Model::start(Script { provider: Some(provider), ..Script::in_order(replies) }).await;
        let app = super::support::replica_with_limits(&pool, &model, Limits::default());
        let ada = app.user(name).await;
        let turn = ada.run_turn(&message("Add muesli")).await;
        assert_eq!(turn.end_reason(), "done", "{turn:#?}");
        let turn = ada.run_turn(&message_in(&turn.conversation(), "Again")).await;
        assert_eq!((turn.end_reason(), ada.task_count().await), ("done", 1), "{turn:#?}");
        let requests = model.requests();
        for (request, thoughts) in [(&requests[1], json!("The user wants muesli.")), (&requests[2], Value::Null)] {
            let [answer, result] = [2, 3].map(|index| &request["messages"][index]);
            let function = json!({ "name": "add_task", "arguments": arguments });
            let expected =
                json!({ "id": "D681PevKs", "type": "function", "function": function, "extra_content": signature });
            assert_eq!(answer["tool_calls"], json!([expected]));
            assert_eq!((&result["tool_call_id"], &answer["reasoning_content"]), (&json!("D681PevKs"), &thoughts));
        }
    }
}

/// What another model has sent may be refused by this one, such as a field that it does not know.
#[sqlx::test]
async fn what_one_model_sent_is_not_sent_to_another(pool: PgPool) {
    let mut call = Reply::call("add_task", json!({ "title": "milk" }));
    call.tool_calls[0].extra.insert("extra_content".into(), json!({ "google": {} }));
    let (_model, app) = replica(&pool, Script::in_order([call, Reply::text("Done.")])).await;
    let ada = app.user("ada").await;
    let id = ada.run_turn(&message("Add milk")).await.conversation();
    let script = Script { provider: Some(Provider::Mistral), ..Script::in_order([Reply::text("Hello.")]) };
    let (other, app) = replica(&pool, script).await;
    assert_eq!(ada.on(&app).run_turn(&message_in(&id, "Hi")).await.end_reason(), "done");
    assert!(!other.requests()[0].to_string().contains("extra_content"));
}

/// A call that the previous release has stored goes to every server, with an id of a form that Mistral accepts too.
#[sqlx::test]
async fn calls_of_the_previous_release_are_sent(pool: PgPool) {
    let replies = [Reply::text("Hello."), Reply::text("Again.")];
    let script = Script { provider: Some(Provider::Mistral), ..Script::in_order(replies) };
    let (model, app) = replica(&pool, script).await;
    let ada = app.user("ada").await;
    let id = ada.run_turn(&message("Hi")).await.conversation();
    sqlx::query(
        r#"insert into messages (conversation_id, seq, turn, role, status, text, tool)
           select conversation_id, 3, turn, 'tool', 'done', '',
             '{"name": "list_tasks", "arguments": {"q": "milk"}, "result": {"tasks": []}}'::json
           from messages where conversation_id = $1::text::uuid and seq = 2"#,
    )
    .bind(&id)
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(ada.run_turn(&message_in(&id, "And now?")).await.end_reason(), "done");
    let sent = model.requests().pop().unwrap()["messages"].clone();
    let function = json!({ "name": "list_tasks", "arguments": r#"{"q":"milk"}"# });
    let call = json!({ "id": "call00003", "type": "function", "function": function });
    assert_eq!((&sent[2]["tool_calls"], &sent[3]["tool_call_id"]), (&json!([call]), &json!("call00003")));
}

/// A user reads why the provider refuses, without what must not be shown.
#[sqlx::test]
async fn the_message_of_a_provider_is_shown_without_secrets(pool: PgPool) {
    let (model, app) = patient_replica(&pool).await;
    let ada = app.user("ada").await;
    let refuse = |code: u16, body: &str| {
        let fault = Fault::Status { code, retry_after: None, message: String::new() };
        Reply { raw: Some(body.into()), ..Reply::default() }.fault(fault)
    };
    let secrets = format!(
        r#"{{"error": {{"message": "No sk-proj-abc, no AIzaSyA1b2, no {API_KEY}, no http://10.0.0.1:80/v1, no {}"}}}}"#,
        "Ab1".repeat(12)
    );
    let long = format!(r#"{{"message": "{}"}}"#, "word ".repeat(500));
    for (reply, shown) in [
        (
            refuse(400, r#"{"error": {"message": "Too many\n tokens: 9000 > 8192.", "code": 400}}"#),
            "Too many tokens: 9000 > 8192.",
        ),
        (
            refuse(400, r#"[{"error": {"code": 400, "message": "Missing signature.", "status": "INVALID"}}]"#),
            "Missing signature.",
        ),
        (
            refuse(422, r#"{"detail": [{"loc": ["body"], "msg": "Extra inputs are not permitted"}]}"#),
            "Extra inputs are not permitted",
        ),
        (refuse(400, r#"{"detail": "no tools for this model"}"#), "no tools for this model"),
        (refuse(400, r#"{"error": "model does not support tools"}"#), "model does not support tools"),
        (refuse(400, "upstream said no"), "upstream said no"),
        (refuse(400, "<html><body>Bad</body></html>"), "status 400"),
        (refuse(400, &secrets), "No …, no …, no …, no …, no …"),
        (refuse(400, &long), "word word"),
    ] {
        model.set_script(Script::in_order([reply]));
        let turn = ada.run_turn(&message("Hi")).await;
        let detail = turn.last().data["detail"].as_str().unwrap();
        assert!(turn.end_reason() == "model_refused" && detail.contains(shown), "{shown}: {detail}");
        assert!(detail.chars().count() < 400 && !detail.contains('<'), "{detail}");
    }
    // A refused key is often repeated in the message.
    model.set_script(Script::in_order([refuse(401, r#"{"error": {"message": "Incorrect key: sk-1***9"}}"#)]));
    let turn = ada.run_turn(&message("Hi")).await;
    assert!(!turn.last().data.to_string().contains("Incorrect"), "{turn:#?}");
}

#[sqlx::test]
async fn thoughts_are_kept_apart_from_the_answer(pool: PgPool) {
    let (model, app) = replica(&pool, Script::default()).await;
    let pieces = ["\n<th", "ink>The user", " says hi.</thi", "nk>\n\nHello ", "<think>there</think>"];
    let field = Reply { reasoning: "The user says hi.".into(), ..Reply::pieces(["Hello ", "<think>there</think>"]) };
    for (number, (reply, answer)) in [
        (Reply::pieces(pieces), "Hello <think>there</think>"),
        (Reply::pieces(pieces).quirk(Quirk::Json), "Hello <think>there</think>"),
        (field, "Hello <think>there</think>"),
        (Reply::pieces(["<think>The user says hi.</think>Yes."]), "Yes."),
    ]
    .into_iter()
    .enumerate()
    {
        model.set_script(Script::in_order([reply, Reply::text("Again.")]));
        let ada = app.user(&format!("ada{number}")).await;
        let turn = ada.run_turn(&message("Hi")).await;
        assert_eq!((turn.end_reason(), turn.text().as_str()), ("done", answer));
        let thoughts: Vec<_> = turn.0.iter().filter(|event| event.name == "reasoning").collect();
        assert_eq!(thoughts.len(), 1, "{turn:#?}");
        assert_eq!(thoughts[0].data, json!({ "seq": 2, "text": "The user says hi." }));
        let id = turn.conversation();
        let messages = ada.messages(&id).await;
        assert_eq!((&messages[1]["text"], &messages[1]["reasoning"]), (&json!(answer), &json!("The user says hi.")));
        ada.run_turn(&message_in(&id, "Again")).await;
        let sent = model.requests().pop().unwrap()["messages"].clone();
        assert_eq!(pluck(&sent, "content")[1..], ["Hi", answer, "Again"]);
        assert!(!sent.to_string().contains("says hi"), "{sent}");
    }
    // A tag that is not the beginning of thoughts is text, also if the answer ends with it.
    for text in ["<thi", "<thin air>", "a <think>b</think>"] {
        model.set_script(Script::in_order([Reply::pieces([text])]));
        let turn = app.user(&format!("bea{}", text.len())).await.run_turn(&message("Hi")).await;
        assert_eq!((turn.end_reason(), turn.text().as_str()), ("done", text));
    }
}
