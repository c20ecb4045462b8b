//! The tool calls that a model asks for: which of them run, and which wait for the user.

use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::{
    message::{Message, MessageStatus, ToolCall},
    model::Call,
    state::Chat,
    transcript::{End, Run, Transcript},
};
use crate::tools::{self, Done, Source, TOOLS};

/// The tools in the form of a chat completion request.
pub fn definitions() -> Vec<Value> {
    let definition = |tool: &tools::Tool| {
        let function = json!({ "name": tool.name, "description": tool.description, "parameters": (tool.input)() });
        json!({ "type": "function", "function": function })
    };
    TOOLS.iter().map(definition).collect()
}

/// Stores the calls of one answer. Gives those that may run now, and whether others wait for the user.
///
/// One destructive call in a turn needs no confirmation: it is most likely what the user asked for, and a deleted task
/// can be restored. From the second one on each needs it, whatever the title of a task has made the model do.
pub async fn record(transcript: &mut Transcript, calls: Vec<Call>) -> sqlx::Result<(Vec<Message>, bool)> {
    let calls: Vec<_> = calls.into_iter().map(|call| (read_arguments(&call.arguments), call.name)).collect();
    let requested = calls
        .iter()
        .filter(|(arguments, name)| arguments.as_ref().is_ok_and(|arguments| is_destructive(name, arguments)))
        .count();
    let mut done_before = 0;
    for message in transcript.calls_of_turn().await? {
        let destructive = |tool: &Json<ToolCall>| {
            tool.arguments.as_object().is_some_and(|arguments| is_destructive(&tool.name, arguments))
        };
        let done = message.status == MessageStatus::Done && message.tool.as_ref().is_some_and(destructive);
        done_before += usize::from(done);
    }
    let needs_confirmation = requested + done_before > 1;
    let (mut ready, mut waits) = (Vec::new(), false);
    for (arguments, name) in calls {
        match arguments {
            Ok(arguments) => {
                let wait = needs_confirmation && is_destructive(&name, &arguments);
                let status = if wait { MessageStatus::Awaiting } else { MessageStatus::Running };
                waits |= wait;
                let message =
                    transcript.add_call(ToolCall { name, arguments: arguments.into(), result: None }, status).await?;
                ready.extend((!wait).then_some(message));
            }
            Err(error) => {
                let tool = ToolCall { name, arguments: json!({}), result: None };
                let mut message = transcript.add_call(tool, MessageStatus::Running).await?;
                let detail = format!("The arguments are not a JSON object: {error}. Call the tool again.");
                message.resolve(MessageStatus::Failed, "invalid_arguments", &detail);
                transcript.update_call(&message).await?;
            }
        }
    }
    Ok((ready, waits))
}

/// Whether the call loses something. Another status loses nothing, because it can be set back.
fn is_destructive(name: &str, arguments: &Map<String, Value>) -> bool {
    let only_status = arguments.keys().all(|field| matches!(field.as_str(), "task" | "status"));
    let keeps_text = only_status && arguments.contains_key("status");
    tools::find(name).is_some_and(|tool| tool.destructive) && !keeps_text
}

/// Reads the arguments of a call. Some models send nothing at all for a tool that needs no arguments.
fn read_arguments(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    if text.trim().is_empty() { Ok(Map::new()) } else { serde_json::from_str(text) }
}

/// Runs one call and stores its result, in one transaction that only a run which may go on can commit.
pub async fn run(chat: &Chat, run: &Run, mut message: Message) -> Result<(), End> {
    let Some(Json(tool)) = &mut message.tool else { return Ok(()) };
    let tools = &chat.dependencies().tools;
    let outcome = tools.begin(Source::Chat, run.user_id, &tool.name, tool.arguments.clone()).await;
    let transaction = match outcome.map_err(End::internal)? {
        Ok(Done { result, transaction }) => {
            message.status = MessageStatus::Done;
            tool.result = Some(result);
            transaction
        }
        Err(refusal) => {
            message.status = MessageStatus::Failed;
            tool.result = Some(serde_json::to_value(refusal).map_err(End::internal)?);
            chat.pool().begin().await?
        }
    };
    let mut transcript = run.fence(transaction).await?;
    transcript.update_call(&message).await?;
    transcript.commit().await?;
    Ok(())
}
