//! How a reply is chosen, and the variables of its templates.

use serde_json::{Value, json};
use todo_llm::{Model, Reply, Rule, Script};

use crate::support::{ask, message, tool_call, user};

async fn model(script: &str) -> Model {
    Model::start(Script::parse(script).unwrap()).await
}

/// The code and the message of the error.
async fn error(model: &Model, messages: &[Value]) -> (String, String) {
    let response = ask(model, messages).await;
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    let text = |name: &str| error["error"][name].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

#[tokio::test]
async fn a_matching_rule_takes_precedence_over_the_replies() {
    let model = model(
        r#"
        replies: [{ text: first }, { text: second }]
        rules:
          - when: { user: "hello" }
            reply: { text: by rule }
        "#,
    )
    .await;
    let mut answers = Vec::new();
    for text in ["a", "hello", "b"] {
        answers.push(message(&model, &[user(text)]).await["content"].clone());
    }
    assert_eq!(answers, ["first", "by rule", "second"]);
    let (code, text) = error(&model, &[user("c")]).await;
    assert_eq!((code.as_str(), text.as_str()), ("no_reply", r#"the script has no reply for "c" in round 0"#));
    assert_eq!(model.requests().len(), 4);
    assert_eq!(model.requests()[1]["messages"][0]["content"], "hello");
}

#[tokio::test]
async fn each_round_of_a_turn_has_its_own_reply() {
    let model = model(
        r#"
        rules:
          - when: { user: '^complete the first$' }
            replies:
              - tool_calls: [{ name: list_tasks, arguments: { status: open } }]
              - tool_calls: [{ name: complete_task, arguments: { task: "{{ result.tasks[0].id }}" } }]
              - text: "Done: {{ result.task.title }}, one of {{ results[0].tasks | length }}."
        "#,
    )
    .await;
    // Rounds are counted from the last message of the user.
    let mut messages = vec![user("hi"), json!({ "role": "assistant", "content": "Hi" }), user("complete the first")];
    let first = message(&model, &messages).await;
    assert_eq!(first["tool_calls"][0]["function"]["name"], "list_tasks");
    messages.extend(tool_call("list_tasks", &json!({ "tasks": [{ "id": 7 }, { "id": 8 }] })));
    let second = message(&model, &messages).await;
    assert_eq!(second["tool_calls"][0]["function"]["arguments"], r#"{"task":7}"#);
    messages.extend(tool_call("complete_task", &json!({ "task": { "title": "Buy milk" } })));
    assert_eq!(message(&model, &messages).await["content"], "Done: Buy milk, one of 2.");
    messages.extend(tool_call("list_tasks", &json!({})));
    assert_eq!(error(&model, &messages).await.0, "no_reply");
}

#[tokio::test]
async fn conditions_can_match_the_last_result() {
    let model = model(
        r#"
        rules:
          - when: { tool: add_task, result: '"field":"(?<field>\w+)"' }
            reply: { text: "{{ field }} is wrong, {{ user }}" }
          - when: { tool: add_task }
            reply: { text: added }
          - reply: { text: else }
        "#,
    )
    .await;
    let after = async |tool: &str, result: Value| {
        let [call, result] = tool_call(tool, &result);
        message(&model, &[user("dear"), call, result]).await["content"].clone()
    };
    assert_eq!(after("add_task", json!({ "field": "title" })).await, "title is wrong, dear");
    assert_eq!(after("add_task", json!({})).await, "added");
    assert_eq!(after("list_tasks", json!({})).await, "else");
}

#[tokio::test]
async fn captures_are_texts_and_expressions_keep_their_type() {
    let model = model(
        r#"
        rules:
          - when: { user: 'move (\w+) to (?<place>\d+)' }
            reply:
              tool_calls:
                - name: move
                  arguments:
                    what: "{{ captures[1] }}"
                    text: "to {{ place }}"
                    number: "{{ place | int }}"
                    list: ["{{ place }}", 3, null]
        "#,
    )
    .await;
    let answer = message(&model, &[user("please move this to 12")]).await;
    let arguments = answer["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert_eq!(arguments, json!({ "what": "this", "text": "to 12", "number": 12, "list": ["12", 3, null] }));
}

#[tokio::test]
async fn a_rule_can_be_limited_in_its_replies() {
    let failing = Rule::user("again", [Reply::status(500)]).times(1);
    let model = Model::start(Script::rules([failing, Rule::user("again", [Reply::text("Here")])])).await;
    assert_eq!(ask(&model, &[user("again")]).await.status(), 500);
    assert_eq!(message(&model, &[user("again")]).await["content"], "Here");
}

#[tokio::test]
async fn a_reply_can_repeat_in_every_round() {
    let model = Model::start(Script::rules([Rule::user("", [Reply::call("list_tasks", json!({}))]).repeat()])).await;
    let mut messages = vec![user("go")];
    for _ in 0..12 {
        assert!(message(&model, &messages).await["tool_calls"].is_array());
        messages.extend(tool_call("list_tasks", &json!({})));
    }
}

#[tokio::test]
async fn content_can_have_several_parts() {
    let model = model("rules: [{ when: { user: '^ab$' }, reply: { text: yes } }]").await;
    let parts = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
    assert_eq!(message(&model, &[json!({ "role": "user", "content": parts })]).await["content"], "yes");
}

#[tokio::test]
async fn an_undefined_variable_is_an_error() {
    let model = model(r#"replies: [{ text: "{{ result.task.title }}" }]"#).await;
    let (code, text) = error(&model, &[user("a")]).await;
    assert_eq!(code, "script_error");
    assert!(text.contains("{{ result.task.title }}"), "{text}");
}

#[tokio::test]
async fn errors_of_a_script_name_their_place() {
    let wrong = |script: &str| Script::parse(script).unwrap_err().to_string();
    let text = wrong("rules:\n  - wen: {}\n    reply: {}");
    assert!(text.contains("wen") && text.contains('2'), "{text}");
    let text = wrong("rules: [{ when: {} }]");
    assert!(text.contains("either `reply`, for every round, or `replies`"), "{text}");
    assert!(wrong("rules: [{ when: { user: '(' }, reply: {} }]").contains("unclosed group"));
    assert!(wrong("replies: [{ quirks: [odd] }]").contains("odd"));
}

#[tokio::test]
async fn scripts_and_rules_can_be_set_over_http() {
    let model = Model::start(Script::default()).await;
    let url = |path: &str| format!("http://{}{path}", model.address());
    let client = reqwest::Client::new();
    let rules = json!([{ "when": { "user": "hello" }, "reply": { "text": "by rule" } }]);

    // A script may be JSON.
    let script = json!({ "replies": [{ "text": "one" }], "rules": [{ "reply": { "text": "else" } }] });
    assert_eq!(client.put(url("/script")).body(script.to_string()).send().await.unwrap().status(), 204);
    assert_eq!(client.post(url("/rules")).json(&rules).send().await.unwrap().status(), 204);
    assert_eq!(message(&model, &[user("hello")]).await["content"], "by rule");
    assert_eq!(message(&model, &[user("hi")]).await["content"], "else");
    assert_eq!(client.put(url("/script")).body("nonsense: 1").send().await.unwrap().status(), 400);

    let requests: Value = client.get(url("/requests")).send().await.unwrap().json().await.unwrap();
    assert_eq!(requests.as_array().unwrap().len(), 2);
    assert_eq!(client.delete(url("/requests")).send().await.unwrap().status(), 204);
    assert_eq!(model.requests(), Vec::<Value>::new());
    let models: Value = client.get(url("/v1/models")).send().await.unwrap().json().await.unwrap();
    assert_eq!(models["data"][0]["object"], "model");
}
