use std::time::Duration;

use futures_util::FutureExt;
use reqwest::Response;
use serde_json::{Value, json};
use todo_llm::{Model, Reply, Script};

/// The time limit of every wait, which no test reaches even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Starts a model with one reply.
pub async fn model_with_reply(reply: Reply) -> Model {
    Model::start(Script::in_order([reply])).await
}

pub fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

/// The messages of a tool call and its result.
pub fn tool_call(name: &str, result: &Value) -> [Value; 2] {
    let call = json!({ "id": "call_x", "type": "function", "function": { "name": name, "arguments": "{}" } });
    [
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "role": "tool", "tool_call_id": "call_x", "content": result.to_string() }),
    ]
}

pub async fn post(model: &Model, body: &Value) -> Response {
    let client = reqwest::Client::new();
    let request = client.post(format!("{}/chat/completions", model.url())).timeout(TIMEOUT).json(body);
    request.send().await.unwrap()
}

/// Requests a stream.
pub async fn ask(model: &Model, messages: &[Value]) -> Response {
    post(model, &json!({ "model": "m", "stream": true, "messages": messages })).await
}

/// Requests an answer as one document, and returns its message.
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

/// The text of all deltas.
pub fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| delta(chunk)["content"].as_str()).collect()
}

/// Asserts that the stream sends nothing. Several other requests give the model the time to send.
pub async fn assert_no_chunk(model: &Model, response: &mut Response) {
    for _ in 0..5 {
        reqwest::get(format!("http://{}/health", model.address())).await.unwrap().error_for_status().unwrap();
    }
    let next = response.chunk().now_or_never();
    assert!(next.is_none(), "{next:?}");
}
