//! The conversation in a request.

use serde_json::Value;

/// The messages of a request.
pub struct Conversation<'a> {
    messages: &'a [Value],
    /// The index of the first message after the last one of the user.
    turn_start: usize,
}

impl<'a> Conversation<'a> {
    pub fn from_request(request: &'a Value) -> Self {
        let messages = request["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let turn_start = messages.iter().rposition(|message| message["role"] == "user").map_or(0, |index| index + 1);
        Self { messages, turn_start }
    }

    /// The text of the last message of the user.
    pub fn user_message(&self) -> String {
        self.turn_start.checked_sub(1).map(|index| text(&self.messages[index])).unwrap_or_default()
    }

    /// The number of answers that this turn has.
    pub fn round(&self) -> usize {
        self.in_turn("assistant").count()
    }

    /// The tool results of this turn, parsed if they are JSON.
    pub fn results(&self) -> Vec<Value> {
        self.in_turn("tool").map(text).map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))).collect()
    }

    /// The name of the tool and the text, if the last message is a tool result.
    pub fn last_result(&self) -> Option<(&'a str, String)> {
        let last = self.messages.last().filter(|last| last["role"] == "tool")?;
        let mut calls = self.messages.iter().rev().filter_map(|message| message["tool_calls"].as_array()).flatten();
        let call = calls.find(|call| call["id"] == last["tool_call_id"]);
        let name = call.and_then(|call| call["function"]["name"].as_str()).unwrap_or_default();
        Some((name, text(last)))
    }

    fn in_turn(&self, role: &'static str) -> impl Iterator<Item = &'a Value> {
        self.messages[self.turn_start..].iter().filter(move |message| message["role"] == role)
    }
}

/// The text of a message, whose content is a text or a list of parts.
fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}
