//! The part of the conversation that is sent to the model: whole turns from the end, within a budget.

use serde_json::{Map, Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    config::Limits,
    message::{self, Message, MessageRole},
};
use crate::tools::tokens::{self, Estimate};

/// Bytes of messages that are read. This is more than the budget, because results of tools are cut when they are sent.
const MAX_BYTES: i64 = 512 * 1024;

/// What of a conversation is sent to the model.
pub struct History {
    /// In the form of a chat completion request.
    pub messages: Vec<Value>,
    /// Where the user was when they wrote the newest message of theirs.
    pub time_zone: Option<String>,
}

/// The newest turn, and as many before it as fit into the budget.
///
/// What the model at `origin` has sent is sent back as it came.
pub async fn load(pool: &PgPool, conversation_id: Uuid, limits: &Limits, origin: &str) -> sqlx::Result<History> {
    let newest = message::newest(pool, conversation_id, MAX_BYTES).await?;
    let question = newest.iter().rfind(|message| message.role == MessageRole::User);
    Ok(History {
        messages: request_messages(&newest, limits, origin),
        time_zone: question.and_then(|question| question.time_zone.clone()),
    })
}

fn request_messages(messages: &[Message], limits: &Limits, origin: &str) -> Vec<Value> {
    let mut turns: Vec<Vec<Value>> = Vec::new();
    let mut used = 0;
    for turn in messages.chunk_by(|before, after| before.turn == after.turn).rev() {
        let turn = turn_messages(turn, limits, origin, turns.is_empty());
        used += turn.iter().map(|message| Estimate::of(&message.to_string()).tokens()).sum::<usize>();
        if used > limits.history_tokens && !turns.is_empty() {
            break;
        }
        turns.push(turn);
    }
    turns.into_iter().rev().flatten().collect()
}

/// The messages of a turn. Thoughts belong to the turn at work only: later, some servers refuse them.
fn turn_messages(messages: &[Message], limits: &Limits, origin: &str, at_work: bool) -> Vec<Value> {
    let mut sent: Vec<Value> = Vec::new();
    for round in messages.chunk_by(|_, after| after.role == MessageRole::Tool) {
        let [first, rest @ ..] = round else { continue };
        let calls = if first.role == MessageRole::Tool { round } else { rest };
        match first.role {
            MessageRole::User => sent.push(json!({ "role": "user", "content": first.text })),
            // An answer that failed before it began says nothing.
            MessageRole::Assistant if first.text.is_empty() && calls.is_empty() => {}
            _ => {
                let further = as_sent(first, origin).filter(|_| at_work && first.role == MessageRole::Assistant);
                let mut message = further.filter(|_| !calls.is_empty()).cloned().unwrap_or_default();
                message.insert("role".into(), "assistant".into());
                message.insert("content".into(), first.text.clone().into());
                if !calls.is_empty() {
                    let calls = calls.iter().filter_map(|call| call_of(call, origin)).collect();
                    message.insert("tool_calls".into(), calls);
                }
                sent.push(message.into());
            }
        }
        sent.extend(calls.iter().filter_map(|call| result_of(call, limits, origin)));
    }
    sent
}

/// What the model at `origin` sent with a message.
fn as_sent<'a>(message: &'a Message, origin: &str) -> Option<&'a Map<String, Value>> {
    message.as_sent.as_ref().filter(|sent| sent.origin == origin).map(|sent| &sent.fields)
}

/// The id of a call as it came, else nine letters and digits, which every server accepts.
fn call_id(message: &Message, origin: &str) -> String {
    let id = as_sent(message, origin).and_then(|call| call.get("id")?.as_str());
    id.map_or_else(|| format!("call{:05}", message.seq), str::to_owned)
}

fn call_of(message: &Message, origin: &str) -> Option<Value> {
    let tool = message.tool.as_ref()?;
    let mut call = as_sent(message, origin).cloned().unwrap_or_default();
    call.insert("id".into(), call_id(message, origin).into());
    call.entry("type").or_insert_with(|| "function".into());
    call.entry("function").or_insert_with(|| json!({ "name": tool.name, "arguments": tool.arguments.to_string() }));
    Some(call.into())
}

fn result_of(message: &Message, limits: &Limits, origin: &str) -> Option<Value> {
    let result = message.tool.as_ref()?.result.as_ref().map(Value::to_string).unwrap_or_default();
    let beginning = tokens::beginning(&result, limits.result_tokens);
    let content = if beginning == result { result } else { format!("{beginning}… (cut off here: too long)") };
    Some(json!({ "role": "tool", "tool_call_id": call_id(message, origin), "content": content }))
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
            reasoning: String::new(),
            error: None,
            end_reason: None,
            as_sent: None,
            time_zone: None,
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
            request_messages(&messages, &Limits::default(), ""),
            [
                json!({ "role": "user", "content": "hello" }),
                json!({ "role": "assistant", "content": "",
                "tool_calls": [call("call00003", "list_tasks"), call("call00004", "add_task")] }),
                json!({ "role": "tool", "tool_call_id": "call00003", "content": "{\"b\":2}" }),
                json!({ "role": "tool", "tool_call_id": "call00004", "content": "{\"b\":2}" }),
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
            let sent = request_messages(&messages, &limits, "");
            assert_eq!(sent.len(), turns * 2, "{tokens}");
            assert_eq!(sent[0]["role"], "user");
        }
    }

    #[test]
    fn a_long_result_is_cut() {
        let limits = Limits { result_tokens: 2, ..Limits::default() };
        let mut call = message(1, 1, MessageRole::Tool, "list_tasks");
        call.tool.as_mut().unwrap().result = Some(json!({ "é": "éééééé" }));
        let sent = result_of(&call, &limits, "").unwrap();
        assert_eq!(sent["content"], "{\"é… (cut off here: too long)");
    }

    /// A Japanese character is about a token, and not a quarter of one.
    #[test]
    fn budgets_hold_in_every_script() {
        let limits = Limits::default();
        let mut call = message(1, 2, MessageRole::Tool, "list_tasks");
        call.tool.as_mut().unwrap().result = Some(json!({ "description": "日".repeat(40_000) }));
        let sent = result_of(&call, &limits, "").unwrap();
        let characters = sent["content"].as_str().unwrap().chars().count();
        assert!((7_900..=8_100).contains(&characters), "{characters}");

        let text = "日".repeat(1_000);
        let messages: Vec<Message> = (0..40).map(|number| message(number, 1, MessageRole::User, &text)).collect();
        assert_eq!(request_messages(&messages, &limits, "").len(), 15);
    }
}
