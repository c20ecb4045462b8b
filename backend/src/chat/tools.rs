//! Doing what the model asks for, and what has to wait for the user.

use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::{
    log::{End, Log, Run},
    message::{Message, MessageStatus, ToolCall},
    model::Call,
};
use crate::{
    server::state::AppState,
    tools::{self, Source, TOOLS},
};

/// What the model is told of the tools.
pub fn offered() -> Vec<Value> {
    let function = |tool: &tools::Tool| {
        let function = json!({ "name": tool.name, "description": tool.description, "parameters": (tool.input)() });
        json!({ "type": "function", "function": function })
    };
    TOOLS.iter().map(function).collect()
}

/// Stores the calls of one answer. Gives those that may be done now, and whether others wait for the user.
///
/// One destructive call a turn needs no question: it is most likely what the user asked for, and a deleted task can be
/// brought back. From the second on, none is done unasked, whatever a task's title has talked the model into.
pub async fn record(log: &mut Log, calls: Vec<Call>) -> sqlx::Result<(Vec<Message>, bool)> {
    let calls: Vec<_> = calls.into_iter().map(|call| (read_arguments(&call.arguments), call.name)).collect();
    let asked = calls
        .iter()
        .filter(|(arguments, name)| arguments.as_ref().is_ok_and(|arguments| is_destructive(name, arguments)))
        .count();
    let mut done_before = 0;
    for message in log.calls_of_turn().await? {
        let destructive = |tool: &Json<ToolCall>| {
            tool.arguments.as_object().is_some_and(|arguments| is_destructive(&tool.name, arguments))
        };
        let done = message.status == MessageStatus::Done && message.tool.as_ref().is_some_and(destructive);
        done_before += usize::from(done);
    }
    let must_wait = asked + done_before > 1;
    let (mut ready, mut waits) = (Vec::new(), false);
    for (arguments, name) in calls {
        match arguments {
            Ok(arguments) => {
                let wait = must_wait && is_destructive(&name, &arguments);
                let status = if wait { MessageStatus::Awaiting } else { MessageStatus::Running };
                waits |= wait;
                let message = log.call(ToolCall { name, arguments: arguments.into(), result: None }, status).await?;
                ready.extend((!wait).then_some(message));
            }
            Err(error) => {
                let tool = ToolCall { name, arguments: json!({}), result: None };
                let mut message = log.call(tool, MessageStatus::Running).await?;
                let detail = format!("The arguments are not a JSON object: {error}. Call the tool again.");
                message.resolve(MessageStatus::Failed, "invalid_arguments", &detail);
                log.answer(&message).await?;
            }
        }
    }
    Ok((ready, waits))
}

/// Another status loses nothing: it can be set back.
fn is_destructive(name: &str, arguments: &Map<String, Value>) -> bool {
    let only_status = arguments.keys().all(|field| matches!(field.as_str(), "task" | "status"));
    let keeps_text = only_status && arguments.contains_key("status");
    tools::find(name).is_some_and(|tool| tool.destructive) && !keeps_text
}

/// Nothing at all is what some models send for a tool that needs nothing.
fn read_arguments(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    if text.trim().is_empty() { Ok(Map::new()) } else { serde_json::from_str(text) }
}

/// Does one call and stores what came of it.
pub async fn perform(state: &AppState, run: &Run, mut message: Message) -> Result<(), End> {
    let Some(Json(tool)) = &mut message.tool else { return Ok(()) };
    let outcome = tools::call(state, Source::Chat, run.user_id, &tool.name, tool.arguments.clone()).await;
    message.status = match outcome {
        Ok(Ok(result)) => {
            tool.result = Some(result);
            MessageStatus::Done
        }
        Ok(Err(refusal)) => {
            tool.result = Some(serde_json::to_value(refusal).map_err(|error| End::broken(anyhow::Error::from(error)))?);
            MessageStatus::Failed
        }
        Err(error) => return Err(End::broken(error)),
    };
    let mut log = run.log(state).await?;
    log.answer(&message).await?;
    log.commit().await?;
    Ok(())
}
