//! Requests that real servers refuse.

use serde_json::{Value, json};
use todo_llm::{Model, Provider, Reply, Rule, Script};

use crate::support::{post, tool_call, user};

/// The message of the error, or an empty text if the request is accepted.
async fn error_of(body: &Value) -> String {
    error_of_provider(None, body).await
}

async fn error_of_provider(provider: Option<Provider>, body: &Value) -> String {
    let rules = Script::rules([Rule::user("", [Reply::text("Hi")]).repeat()]);
    let model = Model::start(Script { provider, ..rules }).await;
    let response = post(&model, body).await;
    if response.status() == 200 {
        return String::new();
    }
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    error["error"]["message"].as_str().unwrap().to_owned()
}

async fn error_of_messages(messages: Value) -> String {
    error_of(&json!({ "model": "m", "messages": messages })).await
}

#[tokio::test]
async fn each_call_needs_one_result() {
    let [call, result] = tool_call("add_task", &json!({}));
    assert_eq!(error_of_messages(json!([user("a"), call, result, user("b")])).await, "");
    let text = error_of_messages(json!([user("a"), call])).await;
    assert_eq!(text, r#"messages: the tool call "call_x" has no result"#);
    let text = error_of_messages(json!([user("a"), call, user("b"), result])).await;
    assert_eq!(text, r#"messages[2]: the tool call "call_x" before it has no result"#);
    let text = error_of_messages(json!([user("a"), result])).await;
    assert_eq!(text, r#"messages[1]: tool_call_id "call_x" is of no call that waits for its result"#);
    let text = error_of_messages(json!([user("a"), call, result, result])).await;
    assert!(text.starts_with("messages[3]: tool_call_id"), "{text}");
}

#[tokio::test]
async fn earlier_arguments_must_be_an_object() {
    let [mut call, result] = tool_call("add_task", &json!({}));
    call["tool_calls"][0]["function"]["arguments"] = json!("{\"title\": ");
    let text = error_of_messages(json!([user("a"), call, result])).await;
    assert_eq!(text, "messages[1]: tool_calls: the arguments are not an object in JSON");
}

#[tokio::test]
async fn a_provider_refuses_what_others_accept() {
    let [mut call, mut result] = tool_call("add_task", &json!({}));
    call["tool_calls"][0]["id"] = json!("D681PevKs");
    result["tool_call_id"] = json!("D681PevKs");
    let error = async |provider, call: &Value, more: &[Value]| {
        let messages = [&[user("a"), call.clone(), result.clone()], more].concat();
        error_of_provider(Some(provider), &json!({ "model": "m", "messages": messages })).await
    };
    assert_eq!(error(Provider::Mistral, &call, &[]).await, "");
    assert!(error(Provider::Gemini, &call, &[]).await.contains("thought_signature"));
    assert!(error(Provider::DeepSeek, &call, &[]).await.contains("Missing `reasoning_content`"));
    // The calls of an earlier turn need nothing.
    for provider in [Provider::Gemini, Provider::DeepSeek] {
        assert_eq!(error(provider, &call, &[user("b")]).await, "");
    }
    call["reasoning_content"] = json!("");
    call["tool_calls"][0]["extra_content"] = json!({ "google": { "thought_signature": "c2ln" } });
    for provider in [Provider::Gemini, Provider::DeepSeek] {
        assert_eq!(error(provider, &call, &[]).await, "");
    }
    assert!(error(Provider::DeepSeek, &call, &[user("b")]).await.contains("of an earlier turn"));
    let [call, result] = tool_call("add_task", &json!({}));
    let body = json!({ "model": "m", "messages": [user("a"), call, result] });
    let text = error_of_provider(Some(Provider::Mistral), &body).await;
    assert_eq!(text, "Tool call id was call_x but must be a-z, A-Z, 0-9, with a length of 9.");
}

#[tokio::test]
async fn messages_need_a_role_and_content() {
    assert_eq!(error_of_messages(json!([])).await, "messages: at least one is needed");
    let text = error_of_messages(json!([user("a"), { "role": "assistant", "content": null }])).await;
    assert_eq!(text, "messages[1]: neither content nor tool_calls");
    let text = error_of_messages(json!([{ "role": "user" }])).await;
    assert_eq!(text, "messages[0]: content: a text is needed");
    let text = error_of_messages(json!([{ "role": "robot", "content": "" }])).await;
    assert_eq!(text, r#"messages[0]: role "robot" is unknown"#);
}

#[tokio::test]
async fn tools_need_unique_names_and_a_schema() {
    let tool = |name: &str, kind: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": kind } } });
    let with = async |tools: Value| error_of(&json!({ "model": "m", "messages": [user("a")], "tools": tools })).await;
    assert_eq!(with(json!([tool("a", "object"), tool("b", "object")])).await, "");
    assert!(with(json!([tool("a", "object"), tool("a", "object")])).await.starts_with("tools[1]: a second"));
    assert!(with(json!([tool("tasks.add", "object")])).await.starts_with("tools[0]: a function with a name"));
    assert!(with(json!([tool("a", "string")])).await.starts_with("tools[0]: the parameters"));
    assert!(with(json!([])).await.starts_with("tools: at least one"));
    assert_eq!(error_of(&json!({ "messages": [user("a")] })).await, "model: a name is needed");
}
