//! What a model does when something is wrong.

use std::error::Error;

use futures_util::FutureExt;
use reqwest::{StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use todo_llm::{Fault, Model, Reply, Script};
use tokio::time::timeout;

use crate::support::{LIMIT, ask, data, nothing_comes, playing, user};

/// What came before the stream broke, and the error.
async fn until_broken(reply: Reply) -> (String, reqwest::Error) {
    let model = playing(reply).await;
    let mut response = ask(&model, &[user("hi")]).await;
    let mut came = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => came.extend(bytes),
            Ok(None) => panic!("the stream ended as if nothing were wrong"),
            Err(error) => return (String::from_utf8(came).unwrap(), error),
        }
    }
}

#[tokio::test]
async fn statuses_come_with_an_error_object() {
    let model = playing(Reply::rate_limited(7)).await;
    let response = ask(&model, &[user("hi")]).await;
    assert_eq!(
        (response.status(), &response.headers()[RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"7".parse().unwrap())
    );
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["type"], "rate_limit_exceeded");

    let model = playing(Reply::status(500)).await;
    let response = ask(&model, &[user("hi")]).await;
    assert_eq!((response.status(), response.headers().get(RETRY_AFTER)), (StatusCode::INTERNAL_SERVER_ERROR, None));
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["message"], "Internal Server Error");
}

#[tokio::test]
async fn a_key_is_asked_for_when_the_script_has_one() {
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
async fn a_cut_ends_the_connection_after_whole_chunks() {
    let (came, error) = until_broken(Reply::text("Bread and butter").fault(Fault::Cut { after: 2 })).await;
    assert!(came.ends_with("\n\n"), "{came}");
    assert_eq!(data(&came).len(), 2);
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn a_cut_after_the_last_chunk_comes_before_done() {
    let (came, _) = until_broken(Reply::text("Bread").fault(Fault::Cut { after: 99 })).await;
    let data = data(&came);
    assert!(data.last().unwrap().contains(r#""finish_reason":"stop""#), "{came}");
}

#[tokio::test]
async fn a_connection_may_close_before_an_answer() {
    let model = playing(Reply::text("Hi").fault(Fault::Close)).await;
    let body = json!({ "model": "m", "stream": true, "messages": [user("hi")] });
    let request = reqwest::Client::new().post(format!("{}/chat/completions", model.url())).json(&body);
    let error = request.send().await.unwrap_err();
    let cause = std::iter::successors(error.source(), |&cause| cause.source()).last().unwrap();
    assert!(cause.to_string().contains("closed"), "{error:?}");
}

#[tokio::test]
async fn an_error_object_ends_the_stream() {
    let fault = Fault::Error { after: 2, message: "overloaded".into() };
    let model = playing(Reply::text("Bread and butter").fault(fault)).await;
    let stream = ask(&model, &[user("hi")]).await;
    let stream = stream.text().await.unwrap();
    let data = data(&stream);
    assert_eq!(data.len(), 4);
    let error: Value = serde_json::from_str(data[2]).unwrap();
    assert_eq!(error["error"]["message"], "overloaded");
    assert_eq!(data[3], "[DONE]");
}

#[tokio::test]
async fn a_stall_lasts_until_the_reader_goes() {
    let model = playing(Reply::text("Bread and butter").fault(Fault::Stall { after: 1 })).await;
    let mut response = ask(&model, &[user("hi")]).await;
    assert!(response.chunk().await.unwrap().is_some());
    nothing_comes(&model, &mut response).await;
    assert!(model.idle().now_or_never().is_none());
    drop(response);
    timeout(LIMIT, model.idle()).await.expect("the model notices that its reader has gone");
}

#[tokio::test]
async fn silence_lasts_until_the_reader_goes() {
    let model = playing(Reply::text("Hi").fault(Fault::Silence)).await;
    let messages = [user("hi")];
    let asking = ask(&model, &messages);
    tokio::select! {
        response = asking => panic!("{response:?}"),
        () = model.asked(1) => {}
    }
    timeout(LIMIT, model.idle()).await.expect("the model notices that its reader has gone");
}

#[tokio::test]
async fn a_model_that_is_dropped_cuts_its_streams() {
    let model = playing(Reply::text("Bread and butter").fault(Fault::Stall { after: 1 })).await;
    let mut response = ask(&model, &[user("hi")]).await;
    assert!(response.chunk().await.unwrap().is_some());
    drop(model);
    timeout(LIMIT, response.chunk()).await.expect("the stream ends").unwrap_err();
}
