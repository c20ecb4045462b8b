//! The tool calls that a model asks for: which of them run, and which wait for the user.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    message::{AsSent, Message, MessageStatus, ToolCall},
    model::Call,
    state::Chat,
    transcript::{End, Run, Transcript},
};
use crate::tools::{self, Done, Source, TOOLS, ToolError, find_target};

/// How often the same call may be asked for in one turn. After that, the model most likely goes in a circle.
const MAX_SAME_CALLS: usize = 2;
/// How many changes a turn may make before each further one waits for the user.
pub const MAX_CHANGES: usize = 19;

/// What becomes of the calls of one answer.
#[derive(Default)]
pub struct Recorded {
    /// Those that may run now.
    pub ready: Vec<Message>,
    /// Others wait for the user.
    pub some_wait: bool,
    /// Others are not done because they were asked for too often.
    pub some_repeat: bool,
}

/// The tools in the form of a chat completion request.
pub fn definitions() -> Vec<Value> {
    let definition = |tool: &tools::Tool| {
        let function = json!({ "name": tool.name, "description": tool.description, "parameters": (tool.input)() });
        json!({ "type": "function", "function": function })
    };
    TOOLS.iter().map(definition).collect()
}

/// Stores the calls of one answer of the model at `origin`.
///
/// One destructive call in a turn needs no confirmation: it is most likely what the user asked for, and a deleted task
/// can be restored. From the second one on each needs it, whatever the title of a task has made the model do. So does
/// each change after the first [`MAX_CHANGES`], which bounds what a model does that goes on without end.
pub async fn record(
    transcript: &mut Transcript,
    user_id: Uuid,
    calls: Vec<Call>,
    origin: &str,
) -> Result<Recorded, End> {
    let calls: Vec<_> = calls.into_iter().map(|call| (read_arguments(&call.arguments), call)).collect();
    let requested = calls
        .iter()
        .filter(|(arguments, call)| arguments.as_ref().is_ok_and(|arguments| is_destructive(&call.name, arguments)))
        .count();
    let before = transcript.calls_of_turn().await?;
    let destructive =
        |tool: &ToolCall| tool.arguments.as_object().is_some_and(|arguments| is_destructive(&tool.name, arguments));
    let done_before = before.iter().filter(|call| call.done && destructive(&call.tool)).count();
    let several_destructive = requested + done_before > 1;
    let mut changes = before.iter().filter(|call| call.done && is_change(&call.tool.name)).count();
    let mut same: HashMap<(String, String), usize> = HashMap::new();
    for call in before {
        *same.entry((call.tool.name.clone(), call.tool.arguments.to_string())).or_default() += 1;
    }
    let (mut recorded, mut ids) = (Recorded::default(), HashSet::new());
    for (arguments, call) in calls {
        let as_sent = as_sent(&call, arguments.is_ok(), origin, &mut ids);
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(error) => {
                let detail = format!("The arguments are not a JSON object: {error}. Call the tool again.");
                let tool = ToolCall::new(call.name, json!({}));
                refuse(transcript, tool, &as_sent, ToolError::invalid_arguments(detail)).await?;
                continue;
            }
        };
        let destructive = is_destructive(&call.name, &arguments);
        let mut tool = ToolCall::new(call.name, arguments.into());
        let count = same.entry((tool.name.clone(), tool.arguments.to_string())).or_default();
        *count += 1;
        if *count > MAX_SAME_CALLS {
            let mut message = transcript.add_call(tool, &as_sent, MessageStatus::Running).await?;
            let detail = "This was asked for with the same arguments for the third time, and was not done again.";
            message.resolve(MessageStatus::Failed, "repeated", detail);
            transcript.update_call(&message).await?;
            recorded.some_repeat = true;
            continue;
        }
        let change = is_change(&tool.name);
        changes += usize::from(change);
        if !(several_destructive && destructive || change && changes > MAX_CHANGES) {
            recorded.ready.push(transcript.add_call(tool, &as_sent, MessageStatus::Running).await?);
            continue;
        }
        // The user is asked about the task that is found now, and no other will be changed.
        if tools::find(&tool.name).is_some_and(|tool| tool.destructive) {
            let found = find_target(transcript.connection(), user_id, &tool.name, tool.arguments.clone()).await;
            match found.map_err(End::internal)? {
                Ok(target) => tool.target = Some(target),
                Err(refusal) => {
                    refuse(transcript, tool, &as_sent, refusal).await?;
                    continue;
                }
            }
        }
        transcript.add_call(tool, &as_sent, MessageStatus::Awaiting).await?;
        recorded.some_wait = true;
    }
    Ok(recorded)
}

/// The call as it came, without what no server accepts: arguments that are no object, no id, or that of another call.
fn as_sent(call: &Call, has_arguments: bool, origin: &str, ids: &mut HashSet<Value>) -> AsSent {
    let mut fields = call.as_sent();
    if !has_arguments || call.arguments.trim().is_empty() {
        fields["function"]["arguments"] = "{}".into();
    }
    if fields["id"] == "" || !ids.insert(fields["id"].clone()) {
        fields.remove("id");
    }
    AsSent { origin: origin.to_owned(), fields }
}

/// Stores a call that is not done, and why.
async fn refuse(transcript: &mut Transcript, tool: ToolCall, as_sent: &AsSent, refusal: ToolError) -> Result<(), End> {
    let mut message = transcript.add_call(tool, as_sent, MessageStatus::Running).await?;
    message.fail(refusal).map_err(End::internal)?;
    transcript.update_call(&message).await?;
    Ok(())
}

/// Whether a call of this tool changes something.
fn is_change(name: &str) -> bool {
    tools::find(name).is_some_and(|tool| !tool.read_only)
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

/// Runs calls one after the other. A call of which the user has been asked may change what an earlier one made of its
/// task, because the user has seen both.
pub async fn run_all(chat: &Chat, run: &Run, calls: Vec<Message>) -> Result<(), End> {
    let mut changed: HashMap<Uuid, i32> = HashMap::new();
    for mut call in calls {
        if let Some(target) = call.tool.as_mut().and_then(|tool| tool.target.as_mut()) {
            target.version = changed.get(&target.id).copied().unwrap_or(target.version);
        }
        changed.extend(run_one(chat, run, call).await?);
    }
    Ok(())
}

/// Runs one call and stores its result, in one transaction that only a run which may go on can commit. Gives the task
/// that it changed if the user was asked, and the version that this task has now.
async fn run_one(chat: &Chat, run: &Run, mut message: Message) -> Result<Option<(Uuid, i32)>, End> {
    let Some(Json(tool)) = &mut message.tool else { return Ok(None) };
    let tools = &chat.dependencies().tools;
    let arguments = tool.arguments.clone();
    let outcome = tools.begin(Source::Chat, run.user_id, &tool.name, arguments, tool.target.as_ref()).await;
    let mut changed = None;
    let transaction = match outcome.map_err(End::internal)? {
        Ok(Done { result, transaction }) => {
            let version = result["task"]["version"].as_i64().and_then(|version| version.try_into().ok());
            changed = tool.target.as_ref().map(|target| target.id).zip(version);
            message.status = MessageStatus::Done;
            tool.result = Some(result);
            transaction
        }
        Err(refusal) => {
            message.fail(refusal).map_err(End::internal)?;
            chat.pool().begin().await?
        }
    };
    let mut transcript = run.fence(chat, transaction).await?;
    transcript.update_call(&message).await?;
    transcript.commit().await?;
    Ok(changed)
}
