//! What a conversation consists of, and the data of its events.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{PgExecutor, types::Json};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::tools::{Target, ToolError};

/// Messages that are read at a time.
const MAX_MESSAGES: i64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum MessageRole {
    User,
    Assistant,
    Tool,
}

/// A user's message is always `done`; an assistant's starts as `streaming`, a tool call as `running` or `awaiting` the
/// user's confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum MessageStatus {
    Streaming,
    Running,
    Awaiting,
    Done,
    Failed,
    Declined,
    Cancelled,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ChatMessage)]
pub struct Message {
    /// Place in the conversation. A `message_start` with the `seq` of a message takes its place, and that of all after.
    pub seq: i32,
    pub turn: Uuid,
    pub role: MessageRole,
    /// Markdown. Empty for tool calls, and while an assistant has said nothing yet.
    pub text: String,
    /// What the assistant thought before it wrote the text.
    pub reasoning: String,
    #[schema(value_type = Option<ToolCall>)]
    pub tool: Option<Json<ToolCall>>,
    pub status: MessageStatus,
    /// Why the turn ended with this message.
    #[schema(value_type = Option<Failure>)]
    pub error: Option<Json<Failure>>,
    /// Why the turn ended with this message, if it neither failed nor was done.
    pub end_reason: Option<EndReason>,
    #[serde(skip)]
    pub as_sent: Option<Json<AsSent>>,
    /// Where the user was when they wrote the message.
    #[serde(skip)]
    pub time_zone: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// What a model sent: a tool call, or further fields of an answer. Some models refuse a request that does not repeat it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AsSent {
    /// The model and its server. Another one may refuse what this one wants.
    pub origin: String,
    pub fields: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ChatToolCall)]
pub struct ToolCall {
    /// Names the call in a confirmation. Calls of an older version have none.
    #[serde(default)]
    #[schema(required)]
    pub id: Uuid,
    pub name: String,
    #[schema(value_type = Object)]
    pub arguments: Value,
    /// Of a call that waits, or has waited, for the user: the only task that it may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What the tool answered; a refusal has the fields `error` and `detail`.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
}

impl ToolCall {
    pub fn new(name: String, arguments: Value) -> Self {
        Self { id: Uuid::now_v7(), name, arguments, target: None, result: None }
    }
}

/// A call to which a user answers yes or no, and the task that it would change, as the user has seen them. A call that
/// has no target is named by its id alone: it loses nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChatConfirmedCall)]
pub struct ConfirmedCall {
    /// `id` of the call.
    pub id: Uuid,
    /// `target.id` of the call.
    pub task_id: Option<Uuid>,
    /// `target.version` of the call.
    pub version: Option<i32>,
}

/// Why a turn ended before it was done.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ChatFailure)]
pub struct Failure {
    pub code: FailureCode,
    /// One or two sentences for a person.
    pub detail: String,
    /// Whether the same message may work when it is sent again.
    pub retryable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChatFailureCode)]
pub enum FailureCode {
    /// The model's server cannot be reached, or says that it cannot answer.
    ModelUnavailable,
    /// The model's server refuses the request.
    ModelRefused,
    ModelRateLimited,
    /// The model stopped answering.
    ModelTimeout,
    /// The answer is unreadable or breaks off.
    ModelBroken,
    TurnTimeout,
    /// The replica that was at work went away.
    Interrupted,
    Internal,
}

impl FailureCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelUnavailable => "model_unavailable",
            Self::ModelRefused => "model_refused",
            Self::ModelRateLimited => "model_rate_limited",
            Self::ModelTimeout => "model_timeout",
            Self::ModelBroken => "model_broken",
            Self::TurnTimeout => "turn_timeout",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

impl Failure {
    pub fn new(code: FailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retryable: code != FailureCode::ModelRefused }
    }

    pub fn interrupted() -> Self {
        Self::new(FailureCode::Interrupted, "The server that was answering was stopped. What it had written is kept.")
    }
}

/// Data of `message_start`: a message of the user, or the beginning of one of the assistant.
#[derive(Serialize, ToSchema)]
pub struct ChatMessageStart<'a> {
    pub conversation_id: Uuid,
    pub turn: Uuid,
    /// Of the conversation.
    pub title: &'a str,
    pub message: &'a Message,
}

/// Data of `text_delta`: more text of a message. Data of `reasoning`: more of what was thought before it.
#[derive(Serialize, ToSchema)]
pub struct ChatTextDelta<'a> {
    pub seq: i32,
    pub text: &'a str,
}

/// Data of `tool_call` and `tool_result`: the message as it is now.
#[derive(Serialize, ToSchema)]
pub struct ChatToolStep<'a> {
    pub message: &'a Message,
}

/// Data of `message_end`, which ends a turn.
#[derive(Serialize, ToSchema)]
pub struct ChatMessageEnd {
    pub turn: Uuid,
    pub reason: EndReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ChatEndReason)]
pub enum EndReason {
    Done,
    /// Tool calls wait for the user's confirmation.
    Confirmation,
    Cancelled,
    /// The assistant used its tools as often as it may in one turn.
    Rounds,
    /// The model had no more room for its answer, which is cut off.
    Length,
    /// The assistant wanted to do the same thing again and again.
    Repeated,
}

/// Data of `error`, which ends a turn.
#[derive(Serialize, ToSchema)]
pub struct ChatError<'a> {
    pub turn: Uuid,
    #[serde(flatten)]
    pub failure: &'a Failure,
}

impl Message {
    /// What a confirmation has to say of this call.
    pub fn confirmation(&self) -> Option<ConfirmedCall> {
        let tool = self.tool.as_ref().filter(|tool| !tool.id.is_nil())?;
        let target = tool.target.as_ref();
        Some(ConfirmedCall {
            id: tool.id,
            task_id: target.map(|target| target.id),
            version: target.map(|target| target.version),
        })
    }

    /// Ends a tool call that was refused.
    pub fn fail(&mut self, refusal: ToolError) -> serde_json::Result<()> {
        self.status = MessageStatus::Failed;
        if let Some(tool) = &mut self.tool {
            tool.result = Some(serde_json::to_value(refusal)?);
        }
        Ok(())
    }

    /// Gives a tool call its final status, with a result that says for the model why it was not executed.
    pub fn resolve(&mut self, status: MessageStatus, error: &str, detail: &str) {
        self.status = status;
        if let Some(tool) = &mut self.tool {
            tool.result = Some(serde_json::json!({ "error": error, "detail": detail }));
        }
    }
}

/// A statement that gives messages, each with the text that has not moved into it yet. `COLUMNS` stands for the columns
/// of a [`Message`], which are listed here and nowhere else; like the rest of the statement they are checked when the
/// program is compiled.
macro_rules! query_messages {
    ($before:tt + COLUMNS $(+ $after:tt)*, $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::chat::message::Message,
            $before
                + r#" seq, turn, role as "role: crate::chat::message::MessageRole",
                    text || coalesce(
                      (select string_agg(fragment.text, '' order by number) from message_fragments fragment
                       where (fragment.conversation_id, fragment.seq) = (messages.conversation_id, messages.seq)),
                      '') as "text!",
                    tool as "tool: sqlx::types::Json<crate::chat::message::ToolCall>",
                    status as "status: crate::chat::message::MessageStatus",
                    error as "error: sqlx::types::Json<crate::chat::message::Failure>", reasoning,
                    end_reason as "end_reason: crate::chat::message::EndReason",
                    as_sent as "as_sent: sqlx::types::Json<crate::chat::message::AsSent>", time_zone, created_at "#
                $(+ $after)*,
            $($arguments)*
        )
    };
}
pub(super) use query_messages;

/// The newest messages of a conversation, in their order: as many as have `max_bytes` together. The newest of all and
/// the newest of the user, which the model has to answer, are always among them.
pub(super) async fn newest(
    executor: impl PgExecutor<'_>,
    conversation_id: Uuid,
    max_bytes: i64,
) -> sqlx::Result<Vec<Message>> {
    query_messages!(
        "select"
            + COLUMNS
            + "from (
                 select *, sum(size) over (order by seq desc) as total from (
                   select *, octet_length(text) + octet_length(reasoning) + coalesce(octet_length(tool::text), 0)
                     + coalesce(octet_length(as_sent::text), 0) as size from messages
                   where conversation_id = $1 order by seq desc limit $2
                 ) measured
               ) messages
               where total <= $3 or total = size
                 or seq = (select max(seq) from messages where conversation_id = $1 and role = 'user')
               order by seq",
        conversation_id,
        MAX_MESSAGES,
        max_bytes
    )
    .fetch_all(executor)
    .await
}
