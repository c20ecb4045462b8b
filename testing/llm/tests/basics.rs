use serde_json::{Value, json};
use todo_llm::{Model, Reply, Script};

#[tokio::test]
async fn plays_replies_in_order() {
    let model = Model::start(Script::in_order([Reply::text("Hello there"), Reply::rate_limited(7)])).await;
    let ask = || {
        let body = json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
        reqwest::Client::new().post(format!("{}/chat/completions", model.url())).json(&body).send()
    };
    let text = ask().await.unwrap().text().await.unwrap();
    let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let first: Value = serde_json::from_str(events[1]).unwrap();
    assert_eq!(first["choices"][0]["delta"]["content"], "Hello ");
    let second = ask().await.unwrap();
    assert_eq!((second.status().as_u16(), second.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(ask().await.unwrap().status(), 400);
    assert_eq!(model.requests().len(), 3);
}
