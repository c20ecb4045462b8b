//! The conversation so far, as a request has it.

use serde_json::Value;

/// The messages of a request.
pub struct Conversation<'a> {
    messages: &'a [Value],
    /// The index of the turn's first message, which follows the user's last one.
    turn: usize,
}

impl<'a> Conversation<'a> {
    pub fn of(request: &'a Value) -> Self {
        let messages = request["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let turn = messages.iter().rposition(|message| message["role"] == "user").map_or(0, |at| at + 1);
        Self { messages, turn }
    }

    /// The user's last message.
    pub fn user(&self) -> String {
        self.turn.checked_sub(1).map(|at| text(&self.messages[at])).unwrap_or_default()
    }

    /// How often the model has answered in this turn.
    pub fn round(&self) -> usize {
        self.in_turn("assistant").count()
    }

    /// The tool results of this turn: JSON where they are.
    pub fn results(&self) -> Vec<Value> {
        self.in_turn("tool").map(text).map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))).collect()
    }

    /// The last message, when it is a tool's result: name and text.
    pub fn last_result(&self) -> Option<(&'a str, String)> {
        let last = self.messages.last().filter(|last| last["role"] == "tool")?;
        let mut calls = self.messages.iter().rev().filter_map(|message| message["tool_calls"].as_array()).flatten();
        let call = calls.find(|call| call["id"] == last["tool_call_id"]);
        let name = call.and_then(|call| call["function"]["name"].as_str()).unwrap_or_default();
        Some((name, text(last)))
    }

    fn in_turn(&self, role: &'static str) -> impl Iterator<Item = &'a Value> {
        self.messages[self.turn..].iter().filter(move |message| message["role"] == role)
    }
}

/// A content is a text, or a list of parts.
fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}
