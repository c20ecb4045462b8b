//! An answer in the format of `/v1/chat/completions`.

use serde_json::{Value, json};

use crate::{answer::Answer, reply::Quirk};

/// The fields that all parts of an answer have in common.
pub struct Head {
    /// The number of the answer among all answers.
    pub number: usize,
    pub model: String,
    /// Tokens of the question.
    pub prompt_tokens: usize,
}

impl Head {
    pub fn of(number: usize, request: &Value) -> Self {
        let model = request["model"].as_str().unwrap_or("scripted").to_owned();
        Self { number, model, prompt_tokens: tokens(request["messages"].to_string().len()) }
    }

    fn document(&self, object: &str, choices: &Value) -> Value {
        json!({
            // One id for all chunks: clients drop a chunk with another.
            "id": format!("chatcmpl-{}", self.number),
            "object": object,
            "created": 1_767_225_600,
            "model": self.model,
            "choices": choices,
        })
    }

    fn chunk(&self, delta: &Value, finish_reason: &Value) -> Value {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
        self.document("chat.completion.chunk", &json!([choice]))
    }

    fn usage(&self, answer: &Answer) -> Value {
        let text: usize = answer.pieces.iter().map(String::len).sum();
        let calls: usize = answer.calls.iter().map(|(name, arguments)| name.len() + arguments.len()).sum();
        let completion = tokens(text + calls);
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        })
    }

    fn call_id(&self, index: usize) -> String {
        format!("call_{}_{index}", self.number)
    }
}

/// Four characters are about one token.
fn tokens(characters: usize) -> usize {
    characters.div_ceil(4)
}

fn finish_reason(answer: &Answer) -> Value {
    let usual = if answer.calls.is_empty() { "stop" } else { "tool_calls" };
    json!(answer.reply.finish_reason.as_deref().unwrap_or(usual))
}

/// The whole answer as one document.
pub fn document(head: &Head, answer: &Answer) -> Value {
    let text = answer.pieces.concat();
    let mut message =
        json!({ "role": "assistant", "content": if text.is_empty() { Value::Null } else { json!(text) } });
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().enumerate().map(|(index, (name, arguments))| {
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "id": head.call_id(index), "type": "function", "function": function })
        });
        message["tool_calls"] = calls.collect();
    }
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason(answer) });
    let mut document = head.document("chat.completion", &json!([choice]));
    document["usage"] = head.usage(answer);
    document
}

/// The chunks of the stream, without `[DONE]`.
pub fn chunks(head: &Head, answer: &Answer, with_usage: bool) -> Vec<Value> {
    let has = |quirk| answer.reply.has(quirk);
    let mut chunks = Vec::new();
    if has(Quirk::EmptyChoices) {
        chunks.push(head.document("chat.completion.chunk", &json!([])));
    }
    let first = if has(Quirk::RoleOnly) {
        json!({ "role": "assistant" })
    } else {
        json!({ "role": "assistant", "content": "" })
    };
    let deltas = answer.pieces.iter().map(|piece| json!({ "content": piece }));
    let deltas = std::iter::once(first).chain(deltas).chain(call_deltas(head, answer));
    chunks.extend(deltas.map(|delta| head.chunk(&delta, &Value::Null)));
    if !has(Quirk::NoFinish) {
        chunks.push(head.chunk(&json!({}), &finish_reason(answer)));
    }
    if with_usage {
        for chunk in &mut chunks {
            chunk["usage"] = Value::Null;
        }
        let mut last = head.document("chat.completion.chunk", &json!([]));
        last["usage"] = head.usage(answer);
        chunks.push(last);
    }
    chunks
}

fn call_deltas(head: &Head, answer: &Answer) -> Vec<Value> {
    let mut deltas = Vec::new();
    for (index, (name, arguments)) in answer.calls.iter().enumerate() {
        let function = json!({ "name": name, "arguments": "" });
        let call = json!({ "index": index, "id": head.call_id(index), "type": "function", "function": function });
        deltas.push((0, call));
        let parts = parts(arguments).into_iter().enumerate();
        deltas.extend(parts.map(|(at, part)| (at + 1, json!({ "index": index, "function": { "arguments": part } }))));
    }
    if answer.reply.has(Quirk::Interleave) {
        deltas.sort_by_key(|(at, _)| *at);
    }
    deltas.into_iter().map(|(_, call)| json!({ "tool_calls": [call] })).collect()
}

/// Arguments come in pieces that are no JSON by themselves.
fn parts(arguments: &str) -> Vec<String> {
    let characters: Vec<char> = arguments.chars().collect();
    characters.chunks(8).map(|part| part.iter().collect()).collect()
}
