use std::time::Duration;

use futures_util::FutureExt;
use reqwest::Response;
use serde_json::{Value, json};
use todo_llm::{Model, Reply, Script};

/// For what must come; on the busiest machine it takes a fraction of it.
pub const LIMIT: Duration = Duration::from_secs(20);

pub async fn playing(reply: Reply) -> Model {
    Model::start(Script::in_order([reply])).await
}

pub fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

/// What was said of a tool's call, and the result.
pub fn called(name: &str, result: &Value) -> [Value; 2] {
    let call = json!({ "id": "call_x", "type": "function", "function": { "name": name, "arguments": "{}" } });
    [
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "role": "tool", "tool_call_id": "call_x", "content": result.to_string() }),
    ]
}

pub async fn post(model: &Model, body: &Value) -> Response {
    let client = reqwest::Client::new();
    let request = client.post(format!("{}/chat/completions", model.url())).timeout(LIMIT).json(body);
    request.send().await.unwrap()
}

/// Asks for a stream.
pub async fn ask(model: &Model, messages: &[Value]) -> Response {
    post(model, &json!({ "model": "m", "stream": true, "messages": messages })).await
}

/// Asks for an answer in one document.
pub async fn message(model: &Model, messages: &[Value]) -> Value {
    let response = post(model, &json!({ "model": "m", "messages": messages })).await;
    let document: Value = response.error_for_status().unwrap().json().await.unwrap();
    document["choices"][0]["message"].clone()
}

/// The data of each event of a stream.
pub fn data(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

/// The chunks of a stream that ends with `[DONE]`.
pub fn chunks(stream: &str) -> Vec<Value> {
    let mut data = data(stream);
    assert_eq!(data.pop(), Some("[DONE]"), "{stream}");
    data.into_iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

pub fn delta(chunk: &Value) -> &Value {
    &chunk["choices"][0]["delta"]
}

/// The deltas' text put together.
pub fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| delta(chunk)["content"].as_str()).collect()
}

/// Asks the model something else, over and over: what it still had to send would be here then.
pub async fn nothing_comes(model: &Model, response: &mut Response) {
    for _ in 0..5 {
        reqwest::get(format!("http://{}/health", model.address())).await.unwrap().error_for_status().unwrap();
    }
    let next = response.chunk().now_or_never();
    assert!(next.is_none(), "{next:?}");
}
