//! The chunks of an answer. They are read field by field, so that an odd one spoils no other.

use serde_json::{Map, Value};

/// Most tokens of a request, and of its answer, that are believed. No model has room for so many.
const MAX_TOKENS: u64 = 10_000_000;

pub type Fields = Map<String, Value>;

pub struct Chunk {
    /// Whether this is a part of an answer at all.
    pub is_answer: bool,
    pub choice: Option<Choice>,
    pub usage: Option<Usage>,
    pub error: Option<Value>,
}

pub struct Choice {
    pub delta: Delta,
    /// This is the whole answer, which is not streamed.
    pub is_whole: bool,
    pub finish: Option<String>,
}

/// A piece of the answer.
#[derive(Default)]
pub struct Delta {
    pub text: String,
    /// What the model thinks before it answers.
    pub reasoning: String,
    pub calls: Vec<CallDelta>,
    /// The fields that are not read, and those of the reasoning, as they came.
    pub others: Fields,
}

/// A piece of a tool call.
pub struct CallDelta {
    pub index: Option<u64>,
    pub id: String,
    pub name: String,
    pub arguments: String,
    /// The fields that are not read, as they came, and those of the function.
    pub others: Fields,
    pub of_function: Fields,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

impl Chunk {
    pub fn read(mut chunk: Fields) -> Self {
        let is_error = chunk.get("object").is_some_and(|object| object == "error");
        let error = chunk.remove("error").filter(|error| !is_nothing(error));
        let usage = chunk.remove("usage").as_ref().map(Usage::read);
        let choices = chunk.remove("choices");
        Self {
            is_answer: choices.is_some(),
            choice: choices.into_iter().flat_map(list).find_map(Choice::read),
            usage: usage.filter(|usage| usage.prompt_tokens + usage.completion_tokens > 0),
            error: if is_error { Some(Value::Object(chunk)) } else { error },
        }
    }
}

impl Choice {
    fn read(choice: Value) -> Option<Self> {
        let Value::Object(mut choice) = choice else { return None };
        let finish = choice.remove("finish_reason").map(text).filter(|reason| !reason.is_empty());
        let mut fields = |name| match choice.remove(name) {
            Some(Value::Object(fields)) => Some(fields),
            _ => None,
        };
        let (delta, message) = (fields("delta"), fields("message"));
        let is_whole = delta.is_none() && message.is_some();
        let delta = delta.or(message).map(Delta::read).unwrap_or_default();
        Some(Self { delta, is_whole, finish })
    }
}

impl Delta {
    fn read(mut delta: Fields) -> Self {
        delta.remove("role");
        let mut read = Self::default();
        let refusal = delta.remove("refusal").map(text).unwrap_or_default();
        for part in delta.remove("content").into_iter().flat_map(list) {
            read.content(part);
        }
        read.text.push_str(&refusal);
        read.calls = delta.remove("tool_calls").into_iter().flat_map(list).filter_map(CallDelta::read).collect();
        let fields = ["reasoning_content", "reasoning"].into_iter().filter_map(|name| delta.get(name)?.as_str());
        read.reasoning.push_str(fields.into_iter().find(|text| !text.is_empty()).unwrap_or_default());
        delta.retain(|_, value| !is_nothing(value) || value.is_string());
        read.others = delta;
        read
    }

    /// Content is a text, or parts of which some are thoughts, as from Mistral.
    fn content(&mut self, part: Value) {
        match part {
            Value::Object(mut part) => {
                for part in part.remove("thinking").into_iter().flat_map(list) {
                    let mut thoughts = Self::default();
                    thoughts.content(part);
                    self.reasoning.push_str(&thoughts.text);
                }
                self.text.push_str(&part.remove("text").map(text).unwrap_or_default());
            }
            part => self.text.push_str(&text(part)),
        }
    }
}

impl CallDelta {
    fn read(call: Value) -> Option<Self> {
        let Value::Object(mut call) = call else { return None };
        let mut function = match call.remove("function") {
            Some(Value::Object(function)) => function,
            _ => Fields::new(),
        };
        let index = call.remove("index");
        let read = Self {
            index: index.and_then(|index| index.as_u64().or_else(|| text(index).parse().ok())),
            id: call.remove("id").map(text).unwrap_or_default(),
            name: function.remove("name").map(text).unwrap_or_default(),
            // A piece of JSON as text; some servers send the object itself.
            arguments: function.remove("arguments").map(text).unwrap_or_default(),
            of_function: function,
            others: call,
        };
        let says_something = !(read.name.is_empty() && read.arguments.is_empty() && read.id.is_empty());
        (says_something || read.index.is_some()).then_some(read)
    }
}

impl Usage {
    /// What is counted of it: a server may send any number.
    fn read(usage: &Value) -> Self {
        let tokens = |field: &str| {
            let count = usage.get(field).and_then(Value::as_f64).unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the cast gives the nearest number"
            )]
            let count = count as u64;
            count.min(MAX_TOKENS)
        };
        Self { prompt_tokens: tokens("prompt_tokens"), completion_tokens: tokens("completion_tokens") }
    }
}

/// Adds fields of a piece to those that came before: texts and lists go on, other values are replaced.
pub fn merge(fields: &mut Fields, piece: Fields) {
    for (name, value) in piece {
        match (fields.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(before)), Value::String(text)) if name != "type" => before.push_str(&text),
            (Some(Value::Array(before)), Value::Array(items)) => before.extend(items),
            (Some(Value::Object(before)), Value::Object(fields)) => merge(before, fields),
            (_, value) => {
                fields.insert(name, value);
            }
        }
    }
}

/// The items of a list; what is no list is one item.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        item => vec![item],
    }
}

/// A value as text: nothing for null, and JSON for what is no text.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// Whether a field says no more than an absent one.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
