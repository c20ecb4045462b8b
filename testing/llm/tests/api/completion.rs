//! The format of answers, and its quirks.

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use todo_llm::{Quirk, Reply};

use crate::support::{ask, chunks, data, delta, model_with_reply, post, text, user};

/// The text of the stream of a reply.
async fn stream_of(reply: Reply) -> String {
    let model = model_with_reply(reply).await;
    let response = ask(&model, &[user("hi")]).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream; charset=utf-8");
    response.text().await.unwrap()
}

#[tokio::test]
async fn a_text_is_streamed_by_word_between_role_and_finish_reason() {
    let chunks = chunks(&stream_of(Reply::text("Bread and butter")).await);
    let deltas: Vec<_> = chunks.iter().map(delta).collect();
    let [role, words @ .., last] = &deltas[..] else { panic!("{deltas:?}") };
    assert_eq!(**role, json!({ "role": "assistant", "content": "" }));
    assert_eq!(
        words,
        [&json!({ "content": "Bread " }), &json!({ "content": "and " }), &json!({ "content": "butter" })]
    );
    assert_eq!(**last, json!({}));
    let reasons: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]).collect();
    assert_eq!(reasons.iter().filter(|reason| !reason.is_null()).count(), 1);
    assert_eq!(*reasons[chunks.len() - 1], "stop");
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"] && chunk["model"] == "m"));
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk.get("usage").is_none()));
}

#[tokio::test]
async fn each_answer_has_its_own_id() {
    let model = todo_llm::Model::start(todo_llm::Script::in_order([Reply::text("a"), Reply::text("b")])).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(chunks(&ask(&model, &[user("hi")]).await.text().await.unwrap())[0]["id"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn usage_is_sent_last_and_only_on_request() {
    let model = model_with_reply(Reply::text("Bread and butter")).await;
    let options = json!({ "include_usage": true });
    let body = json!({ "model": "m", "stream": true, "stream_options": options, "messages": [user("hi")] });
    let chunks = chunks(&post(&model, &body).await.text().await.unwrap());
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 4);
    let usage = &last["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap())
    );
    assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
}

/// Each piece of arguments, with the index of its call.
fn pieces(chunks: &[Value]) -> Vec<(u64, String)> {
    let calls = chunks.iter().filter_map(|chunk| delta(chunk)["tool_calls"].get(0));
    calls
        .map(|call| {
            let arguments = call["function"]["arguments"].as_str().unwrap();
            (call["index"].as_u64().unwrap(), arguments.to_owned())
        })
        .collect()
}

fn arguments(pieces: &[(u64, String)], index: u64) -> Value {
    let text: String = pieces.iter().filter(|(of, _)| *of == index).map(|(_, piece)| piece.as_str()).collect();
    serde_json::from_str(&text).unwrap()
}

fn two_calls() -> Reply {
    let title = json!({ "title": "Buy milk and bread" });
    Reply::call("add_task", title.clone()).and_call("complete_task", title)
}

#[tokio::test]
async fn a_call_has_its_name_once_and_its_arguments_in_pieces() {
    let chunks = chunks(&stream_of(two_calls()).await);
    let calls: Vec<_> = chunks.iter().filter_map(|chunk| delta(chunk)["tool_calls"].get(0)).collect();
    let named: Vec<_> = calls.iter().filter(|call| call["id"].is_string()).collect();
    assert_eq!(named.len(), 2);
    assert_ne!(named[0]["id"], named[1]["id"]);
    assert_eq!((&named[1]["type"], &named[1]["function"]["name"]), (&json!("function"), &json!("complete_task")));
    let pieces = pieces(&chunks);
    assert!(pieces.is_sorted_by_key(|(index, _)| *index), "{pieces:?}");
    assert!(pieces.len() > 4, "{pieces:?}");
    for index in [0, 1] {
        assert_eq!(arguments(&pieces, index), json!({ "title": "Buy milk and bread" }));
    }
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn interleaved_calls_alternate() {
    let pieces = pieces(&chunks(&stream_of(two_calls().quirk(Quirk::Interleave)).await));
    assert!(pieces.chunks(2).all(|pair| matches!(pair, [(0, _), (1, _)])), "{pieces:?}");
    for index in [0, 1] {
        assert_eq!(arguments(&pieces, index), json!({ "title": "Buy milk and bread" }));
    }
}

#[tokio::test]
async fn arguments_need_not_be_json() {
    let chunks = chunks(&stream_of(Reply::call("add_task", json!(r#"{"title": "Buy"#))).await);
    let sent: String = pieces(&chunks).into_iter().map(|(_, piece)| piece).collect();
    assert_eq!(sent, r#"{"title": "Buy"#);
}

#[tokio::test]
async fn split_bytes_are_written_one_by_one() {
    let model = model_with_reply(Reply::text("Žluťoučký 🐎").quirk(Quirk::SplitBytes)).await;
    let mut response = ask(&model, &[user("hi")]).await;
    let (mut all, mut partial) = (Vec::new(), 0);
    while let Some(bytes) = response.chunk().await.unwrap() {
        partial += usize::from(std::str::from_utf8(&bytes).is_err());
        all.extend(bytes);
    }
    // Each of the ten non-ASCII characters has at least two bytes.
    assert!(partial >= 10, "{partial} pieces are no UTF-8 by themselves");
    assert_eq!(text(&chunks(&String::from_utf8(all).unwrap())), "Žluťoučký 🐎");
}

#[tokio::test]
async fn lines_can_end_with_cr_lf_and_comments_can_separate_chunks() {
    let stream = stream_of(Reply::text("Hi").quirk(Quirk::Crlf).quirk(Quirk::Comments)).await;
    assert_eq!(stream.matches('\n').count(), stream.matches("\r\n").count());
    assert!(stream.starts_with(": PROCESSING\r\n\r\ndata: {"), "{stream}");
    assert_eq!(text(&chunks(&stream)), "Hi");
}

#[tokio::test]
async fn first_chunks_can_lack_content_and_choices() {
    let chunks = chunks(&stream_of(Reply::text("Hi").quirk(Quirk::RoleOnly).quirk(Quirk::EmptyChoices)).await);
    assert_eq!(chunks[0]["choices"], json!([]));
    assert_eq!(*delta(&chunks[1]), json!({ "role": "assistant" }));
}

#[tokio::test]
async fn finish_reason_or_done_can_be_missing() {
    let stream = stream_of(Reply::text("Hi").quirk(Quirk::NoDone)).await;
    assert!(!stream.contains("[DONE]") && stream.contains(r#""finish_reason":"stop""#), "{stream}");
    let stream = stream_of(Reply::text("Hi").quirk(Quirk::NoFinish)).await;
    assert!(!stream.contains(r#""finish_reason":"stop""#), "{stream}");
    assert_eq!(data(&stream).last(), Some(&"[DONE]"));
}

#[tokio::test]
async fn a_request_for_a_stream_can_get_a_document() {
    let reply = Reply { finish_reason: Some("length".into()), ..two_calls().quirk(Quirk::Json) };
    let model = model_with_reply(reply).await;
    let response = ask(&model, &[user("hi")]).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let document: Value = response.json().await.unwrap();
    assert_eq!(document["object"], "chat.completion");
    let choice = &document["choices"][0];
    assert_eq!(choice["message"]["tool_calls"][1]["function"]["name"], "complete_task");
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&Value::Null, &json!("length")));
}

#[tokio::test]
async fn a_raw_body_is_sent_byte_for_byte() {
    let raw = "\u{feff}data: {{ no template }}\r\rdata: [DONE]";
    for reply in [Reply::raw(raw), Reply::raw(raw).quirk(Quirk::SplitBytes)] {
        assert_eq!(stream_of(reply).await, raw);
    }
}

#[tokio::test]
async fn thoughts_come_before_the_text_and_a_call_can_have_further_fields() {
    let mut reply = two_calls();
    reply.reasoning = "Milk and bread.".into();
    reply.tool_calls[1].id = Some("D681PevKs".into());
    reply.tool_calls[1].extra.insert("extra_content".into(), json!({ "google": 1 }));
    let stream = chunks(&stream_of(reply.clone()).await);
    let thoughts: String = stream.iter().filter_map(|chunk| delta(chunk)["reasoning_content"].as_str()).collect();
    assert_eq!(thoughts, "Milk and bread.");
    let call = stream.iter().map(|chunk| &delta(chunk)["tool_calls"][0]).find(|call| call["id"] == "D681PevKs");
    assert_eq!(call.unwrap()["extra_content"], json!({ "google": 1 }));
    let model = model_with_reply(reply).await;
    let message = crate::support::message(&model, &[user("hi")]).await;
    assert_eq!(message["reasoning_content"], "Milk and bread.");
    assert_eq!(message["tool_calls"][1]["extra_content"], json!({ "google": 1 }));
}
