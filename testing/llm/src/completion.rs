//! An answer in the format of `/v1/chat/completions`.

use serde_json::{Value, json};

use crate::{
    answer::{Answer, Call},
    reply::Quirk,
};

/// The fields that all chunks and documents of an answer have in common.
pub struct Envelope {
    /// The number of the answer among all answers.
    pub number: usize,
    pub model: String,
    /// The number of tokens in the messages of the request.
    pub prompt_tokens: usize,
}

impl Envelope {
    pub fn new(number: usize, request: &Value) -> Self {
        let model = request["model"].as_str().unwrap_or("scripted").to_owned();
        Self { number, model, prompt_tokens: tokens(request["messages"].to_string().len()) }
    }

    fn document(&self, object: &str, choices: &Value) -> Value {
        json!({
            // All chunks have the same id, since clients drop a chunk with another one.
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
        let calls: usize = answer.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
        let completion = tokens(text + calls);
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        })
    }

    /// A call without its index.
    fn call(&self, index: usize, call: &Call, arguments: &str) -> Value {
        let id = call.id.clone().unwrap_or_else(|| format!("call_{}_{index}", self.number));
        let function = json!({ "name": call.name, "arguments": arguments });
        let mut document = json!({ "id": id, "type": "function", "function": function });
        for (field, value) in &call.extra {
            document[field] = value.clone();
        }
        document
    }
}

/// The approximate number of tokens, at four characters each.
fn tokens(characters: usize) -> usize {
    characters.div_ceil(4)
}

fn finish_reason(answer: &Answer) -> Value {
    let default = if answer.calls.is_empty() { "stop" } else { "tool_calls" };
    json!(answer.reply.finish_reason.as_deref().unwrap_or(default))
}

/// The complete answer as one document.
pub fn document(envelope: &Envelope, answer: &Answer) -> Value {
    let text = answer.pieces.concat();
    let mut message =
        json!({ "role": "assistant", "content": if text.is_empty() { Value::Null } else { json!(text) } });
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().enumerate();
        message["tool_calls"] = calls.map(|(index, call)| envelope.call(index, call, &call.arguments)).collect();
    }
    if !answer.reasoning.is_empty() {
        message["reasoning_content"] = json!(answer.reasoning.concat());
    }
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason(answer) });
    let mut document = envelope.document("chat.completion", &json!([choice]));
    document["usage"] = envelope.usage(answer);
    document
}

/// The chunks of the stream, without `[DONE]`.
pub fn chunks(envelope: &Envelope, answer: &Answer, with_usage: bool) -> Vec<Value> {
    let has = |quirk| answer.reply.has(quirk);
    let mut chunks = Vec::new();
    if has(Quirk::EmptyChoices) {
        chunks.push(envelope.document("chat.completion.chunk", &json!([])));
    }
    let first = if has(Quirk::RoleOnly) {
        json!({ "role": "assistant" })
    } else {
        json!({ "role": "assistant", "content": "" })
    };
    let reasoning = answer.reasoning.iter().map(|piece| json!({ "reasoning_content": piece }));
    let deltas = answer.pieces.iter().map(|piece| json!({ "content": piece }));
    let deltas = std::iter::once(first).chain(reasoning).chain(deltas).chain(call_deltas(envelope, answer));
    chunks.extend(deltas.map(|delta| envelope.chunk(&delta, &Value::Null)));
    if !has(Quirk::NoFinish) {
        chunks.push(envelope.chunk(&json!({}), &finish_reason(answer)));
    }
    if with_usage {
        for chunk in &mut chunks {
            chunk["usage"] = Value::Null;
        }
        let mut last = envelope.document("chat.completion.chunk", &json!([]));
        last["usage"] = envelope.usage(answer);
        chunks.push(last);
    }
    chunks
}

/// The deltas of all tool calls, each call with its name first and then the parts of its arguments.
fn call_deltas(envelope: &Envelope, answer: &Answer) -> Vec<Value> {
    let mut deltas = Vec::new();
    for (index, call) in answer.calls.iter().enumerate() {
        let mut first = envelope.call(index, call, "");
        first["index"] = json!(index);
        deltas.push((0, first));
        let parts = parts(&call.arguments).into_iter().enumerate();
        deltas.extend(parts.map(|(at, part)| (at + 1, json!({ "index": index, "function": { "arguments": part } }))));
    }
    if answer.reply.has(Quirk::Interleave) {
        deltas.sort_by_key(|(at, _)| *at);
    }
    deltas.into_iter().map(|(_, call)| json!({ "tool_calls": [call] })).collect()
}

/// Splits arguments into parts of eight characters, which are no JSON by themselves.
fn parts(arguments: &str) -> Vec<String> {
    let characters: Vec<char> = arguments.chars().collect();
    characters.chunks(8).map(|part| part.iter().collect()).collect()
}
