//! Requests that real servers refuse.

use serde_json::{Value, json};
use todo_llm::{Model, Reply, Rule, Script};

use crate::support::{called, post, user};

async fn refusal(body: &Value) -> String {
    let model = Model::start(Script::rules([Rule::user("", [Reply::text("Hi")]).repeat()])).await;
    let response = post(&model, body).await;
    if response.status() == 200 {
        return String::new();
    }
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    error["error"]["message"].as_str().unwrap().to_owned()
}

async fn refused(messages: Value) -> String {
    refusal(&json!({ "model": "m", "messages": messages })).await
}

#[tokio::test]
async fn calls_and_results_belong_together() {
    let [call, result] = called("add_task", &json!({}));
    assert_eq!(refused(json!([user("a"), call, result, user("b")])).await, "");
    let text = refused(json!([user("a"), call])).await;
    assert_eq!(text, r#"messages: the tool call "call_x" has no result"#);
    let text = refused(json!([user("a"), call, user("b"), result])).await;
    assert_eq!(text, r#"messages[2]: the tool call "call_x" before it has no result"#);
    let text = refused(json!([user("a"), result])).await;
    assert_eq!(text, r#"messages[1]: tool_call_id "call_x" is of no call that waits for its result"#);
    let text = refused(json!([user("a"), call, result, result])).await;
    assert!(text.starts_with("messages[3]: tool_call_id"), "{text}");
}

#[tokio::test]
async fn arguments_in_the_history_are_an_object() {
    let [mut call, result] = called("add_task", &json!({}));
    call["tool_calls"][0]["function"]["arguments"] = json!("{\"title\": ");
    let text = refused(json!([user("a"), call, result])).await;
    assert_eq!(text, "messages[1]: tool_calls: the arguments are not an object in JSON");
}

#[tokio::test]
async fn messages_say_something() {
    assert_eq!(refused(json!([])).await, "messages: at least one is needed");
    let text = refused(json!([user("a"), { "role": "assistant", "content": null }])).await;
    assert_eq!(text, "messages[1]: neither content nor tool_calls");
    let text = refused(json!([{ "role": "user" }])).await;
    assert_eq!(text, "messages[0]: content: a text is needed");
    let text = refused(json!([{ "role": "robot", "content": "" }])).await;
    assert_eq!(text, r#"messages[0]: role "robot" is unknown"#);
}

#[tokio::test]
async fn tools_have_names_of_their_own_and_a_schema() {
    let tool = |name: &str, kind: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": kind } } });
    let with = async |tools: Value| refusal(&json!({ "model": "m", "messages": [user("a")], "tools": tools })).await;
    assert_eq!(with(json!([tool("a", "object"), tool("b", "object")])).await, "");
    assert!(with(json!([tool("a", "object"), tool("a", "object")])).await.starts_with("tools[1]: a second"));
    assert!(with(json!([tool("tasks.add", "object")])).await.starts_with("tools[0]: a function with a name"));
    assert!(with(json!([tool("a", "string")])).await.starts_with("tools[0]: the parameters"));
    assert!(with(json!([])).await.starts_with("tools: at least one"));
    assert_eq!(refusal(&json!({ "messages": [user("a")] })).await, "model: a name is needed");
}
