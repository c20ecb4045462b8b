//! The part of the conversation that is sent to the model: whole turns from the end, within a budget.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    config::{CHARACTERS_PER_TOKEN, Limits},
    message::{self, Message, MessageRole},
};

/// Bytes of messages that are read. This is more than the budget, because results of tools are cut when they are sent.
const MAX_BYTES: i64 = 512 * 1024;

/// The newest turn, and as many before it as fit into the budget, in the form of a chat completion request.
pub async fn load(pool: &PgPool, conversation_id: Uuid, limits: &Limits) -> sqlx::Result<Vec<Value>> {
    Ok(request_messages(&message::newest(pool, conversation_id, MAX_BYTES).await?, limits))
}

fn request_messages(messages: &[Message], limits: &Limits) -> Vec<Value> {
    let budget = limits.history_tokens * CHARACTERS_PER_TOKEN;
    let mut turns: Vec<Vec<Value>> = Vec::new();
    let mut used = 0;
    for turn in messages.chunk_by(|before, after| before.turn == after.turn).rev() {
        let turn = turn_messages(turn, limits);
        used += turn.iter().map(|message| message.to_string().len()).sum::<usize>();
        if used > budget && !turns.is_empty() {
            break;
        }
        turns.push(turn);
    }
    turns.into_iter().rev().flatten().collect()
}

fn turn_messages(messages: &[Message], limits: &Limits) -> Vec<Value> {
    let mut sent: Vec<Value> = Vec::new();
    for round in messages.chunk_by(|_, after| after.role == MessageRole::Tool) {
        let [first, rest @ ..] = round else { continue };
        let calls = if first.role == MessageRole::Tool { round } else { rest };
        match first.role {
            MessageRole::User => sent.push(json!({ "role": "user", "content": first.text })),
            // An answer that failed before it began says nothing.
            MessageRole::Assistant if first.text.is_empty() && calls.is_empty() => {}
            _ => {
                let mut message = json!({ "role": "assistant", "content": first.text });
                if !calls.is_empty() {
                    message["tool_calls"] = calls.iter().filter_map(call_of).collect();
                }
                sent.push(message);
            }
        }
        sent.extend(calls.iter().filter_map(|call| result_of(call, limits)));
    }
    sent
}

fn call_id(message: &Message) -> String {
    format!("call_{}", message.seq)
}

fn call_of(message: &Message) -> Option<Value> {
    let tool = message.tool.as_ref()?;
    let function = json!({ "name": tool.name, "arguments": tool.arguments.to_string() });
    Some(json!({ "id": call_id(message), "type": "function", "function": function }))
}

fn result_of(message: &Message, limits: &Limits) -> Option<Value> {
    let result = message.tool.as_ref()?.result.as_ref().map(Value::to_string).unwrap_or_default();
    let content = match result.char_indices().nth(limits.result_tokens * CHARACTERS_PER_TOKEN) {
        None => result,
        Some((end, _)) => format!("{}… (cut off here: too long)", &result[..end]),
    };
    Some(json!({ "role": "tool", "tool_call_id": call_id(message), "content": content }))
}

#[cfg(test)]
mod tests {
    use sqlx::types::Json;
    use time::OffsetDateTime;

    use super::*;
    use crate::chat::message::{MessageStatus, ToolCall};

    fn message(turn: u128, seq: i32, role: MessageRole, text: &str) -> Message {
        let tool = (role == MessageRole::Tool).then(|| {
            Json(ToolCall { result: Some(json!({ "b": 2 })), ..ToolCall::new(text.to_owned(), json!({ "a": 1 })) })
        });
        Message {
            seq,
            turn: Uuid::from_u128(turn),
            role,
            text: if tool.is_some() { String::new() } else { text.to_owned() },
            tool,
            status: MessageStatus::Done,
            error: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_call_is_in_the_answer_before_its_result() {
        use MessageRole::{Assistant, Tool, User};
        let messages = [
            message(1, 1, User, "hello"),
            message(1, 2, Assistant, ""),
            message(1, 3, Tool, "list_tasks"),
            message(1, 4, Tool, "add_task"),
            message(1, 5, Assistant, "done"),
            message(2, 6, User, "more"),
            message(2, 7, Assistant, ""),
        ];
        let call = |id: &str, name: &str| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": "{\"a\":1}" } });
        assert_eq!(
            request_messages(&messages, &Limits::default()),
            [
                json!({ "role": "user", "content": "hello" }),
                json!({ "role": "assistant", "content": "",
                "tool_calls": [call("call_3", "list_tasks"), call("call_4", "add_task")] }),
                json!({ "role": "tool", "tool_call_id": "call_3", "content": "{\"b\":2}" }),
                json!({ "role": "tool", "tool_call_id": "call_4", "content": "{\"b\":2}" }),
                json!({ "role": "assistant", "content": "done" }),
                json!({ "role": "user", "content": "more" }),
            ]
        );
    }

    #[test]
    fn whole_turns_from_the_end_fit_the_budget() {
        let text = "x".repeat(400);
        let turn = |number: u8| {
            let seq = i32::from(number) * 2;
            let number = u128::from(number);
            [message(number, seq, MessageRole::User, &text), message(number, seq + 1, MessageRole::Assistant, "y")]
        };
        let messages: Vec<Message> = (0..10).flat_map(turn).collect();
        for (tokens, turns) in [(0, 1), (120, 1), (130, 1), (260, 2), (5000, 10)] {
            let limits = Limits { history_tokens: tokens, ..Limits::default() };
            let sent = request_messages(&messages, &limits);
            assert_eq!(sent.len(), turns * 2, "{tokens}");
            assert_eq!(sent[0]["role"], "user");
        }
    }

    #[test]
    fn a_long_result_is_cut() {
        let limits = Limits { result_tokens: 1, ..Limits::default() };
        let mut call = message(1, 1, MessageRole::Tool, "list_tasks");
        call.tool.as_mut().unwrap().result = Some(json!({ "é": "éééééé" }));
        let sent = result_of(&call, &limits).unwrap();
        assert_eq!(sent["content"], "{\"é\"… (cut off here: too long)");
    }
}
