//! Faults of the model.

use std::error::Error;

use futures_util::FutureExt;
use reqwest::{StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use todo_llm::{Fault, Model, Reply, Script};
use tokio::time::timeout;

use crate::support::{TIMEOUT, ask, assert_no_chunk, data, model_with_reply, user};

/// Reads a stream that breaks, and returns the text before and the error.
async fn read_broken_stream(reply: Reply) -> (String, reqwest::Error) {
    let model = model_with_reply(reply).await;
    let mut response = ask(&model, &[user("hi")]).await;
    let mut received = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => received.extend(bytes),
            Ok(None) => panic!("the stream ended without an error"),
            Err(error) => return (String::from_utf8(received).unwrap(), error),
        }
    }
}

#[tokio::test]
async fn an_error_status_has_an_error_object() {
    let model = model_with_reply(Reply::rate_limited(7)).await;
    let response = ask(&model, &[user("hi")]).await;
    assert_eq!(
        (response.status(), &response.headers()[RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"7".parse().unwrap())
    );
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["type"], "rate_limit_exceeded");

    let model = model_with_reply(Reply::status(500)).await;
    let response = ask(&model, &[user("hi")]).await;
    assert_eq!((response.status(), response.headers().get(RETRY_AFTER)), (StatusCode::INTERNAL_SERVER_ERROR, None));
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["message"], "Internal Server Error");
}

#[tokio::test]
async fn a_script_with_a_key_requires_it() {
    let script = Script { key: Some("right".into()), ..Script::in_order([Reply::text("Hi")]) };
    let model = Model::start(script).await;
    assert_eq!(ask(&model, &[user("hi")]).await.status(), StatusCode::UNAUTHORIZED);
    let body = json!({ "model": "m", "messages": [user("hi")] });
    let with = |key: &str| {
        let request = reqwest::Client::new().post(format!("{}/chat/completions", model.url()));
        request.bearer_auth(key).json(&body).send()
    };
    assert_eq!(with("wrong").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(with("right").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_cut_breaks_the_connection_after_complete_chunks() {
    let (received, error) = read_broken_stream(Reply::text("Bread and butter").fault(Fault::Cut { after: 2 })).await;
    assert!(received.ends_with("\n\n"), "{received}");
    assert_eq!(data(&received).len(), 2);
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn a_cut_after_the_last_chunk_omits_done() {
    let (received, _) = read_broken_stream(Reply::text("Bread").fault(Fault::Cut { after: 99 })).await;
    let data = data(&received);
    assert!(data.last().unwrap().contains(r#""finish_reason":"stop""#), "{received}");
}

#[tokio::test]
async fn a_connection_can_close_before_an_answer() {
    let model = model_with_reply(Reply::text("Hi").fault(Fault::Close)).await;
    let body = json!({ "model": "m", "stream": true, "messages": [user("hi")] });
    let request = reqwest::Client::new().post(format!("{}/chat/completions", model.url())).json(&body);
    let error = request.send().await.unwrap_err();
    let cause = std::iter::successors(error.source(), |&cause| cause.source()).last().unwrap();
    assert!(cause.to_string().contains("closed"), "{error:?}");
}

#[tokio::test]
async fn an_error_object_ends_the_stream() {
    let fault = Fault::Error { after: 2, message: "overloaded".into() };
    let model = model_with_reply(Reply::text("Bread and butter").fault(fault)).await;
    let stream = ask(&model, &[user("hi")]).await;
    let stream = stream.text().await.unwrap();
    let data = data(&stream);
    assert_eq!(data.len(), 4);
    let error: Value = serde_json::from_str(data[2]).unwrap();
    assert_eq!(error["error"]["message"], "overloaded");
    assert_eq!(data[3], "[DONE]");
}

#[tokio::test]
async fn a_stall_lasts_until_the_client_disconnects() {
    let model = model_with_reply(Reply::text("Bread and butter").fault(Fault::Stall { after: 1 })).await;
    let mut response = ask(&model, &[user("hi")]).await;
    assert!(response.chunk().await.unwrap().is_some());
    assert_no_chunk(&model, &mut response).await;
    assert!(model.idle().now_or_never().is_none());
    drop(response);
    timeout(TIMEOUT, model.idle()).await.expect("the model detects that the client has disconnected");
}

#[tokio::test]
async fn silence_lasts_until_the_client_disconnects() {
    let model = model_with_reply(Reply::text("Hi").fault(Fault::Silence)).await;
    let messages = [user("hi")];
    let response = ask(&model, &messages);
    tokio::select! {
        response = response => panic!("{response:?}"),
        () = model.wait_for_requests(1) => {}
    }
    timeout(TIMEOUT, model.idle()).await.expect("the model detects that the client has disconnected");
}

#[tokio::test]
async fn dropping_the_model_breaks_its_streams() {
    let model = model_with_reply(Reply::text("Bread and butter").fault(Fault::Stall { after: 1 })).await;
    let mut response = ask(&model, &[user("hi")]).await;
    assert!(response.chunk().await.unwrap().is_some());
    drop(model);
    timeout(TIMEOUT, response.chunk()).await.expect("the stream ends").unwrap_err();
}
