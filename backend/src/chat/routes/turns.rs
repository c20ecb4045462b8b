//! Talking: sending a message, following the answer, stopping it.

use axum::{
    extract::{FromRef, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    super::{
        conversations, events,
        message::ConfirmedCall,
        prompt,
        start::{self, Start, Started, StartedBefore},
        state::Chat,
        turn,
    },
    stream::follow,
};
use crate::{
    accounts::{Accounts, Identity},
    db::idempotency::Attempt,
    http::{
        error::{Error, Result},
        extract::{Id, Json, Query},
        headers::{IdempotencyKey, last_event_id},
        problem::Problem,
    },
    validation::FieldError,
};

/// Longest message, in characters.
const MAX_MESSAGE_CHARACTERS: usize = 4000;

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Chat: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(chat_info, chat)).routes(routes!(chat_events)).routes(routes!(cancel_chat))
}

/// A `message`, or in an existing conversation `confirm` or `retry`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChatRequest {
    /// Absent: a new conversation.
    conversation_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 4000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    message: Option<String>,
    /// `seq` of an earlier message of yours, which `message` takes the place of; all that followed is dropped.
    #[schema(minimum = 1)]
    replace_from: Option<i32>,
    /// With `message`: the IANA name of the time zone where the user is, in which the model is told the date and time.
    /// Absent: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Whether the tool calls that wait may be done.
    confirm: Option<bool>,
    /// With `confirm`: every call that waits, and nothing else. 409 when others wait than those that are named.
    #[serde(default)]
    calls: Vec<ConfirmedCall>,
    /// Whether the last turn, which failed or was stopped, goes on from what it has done.
    #[serde(default)]
    retry: bool,
}

impl ChatRequest {
    fn start(self) -> Result<(Option<Uuid>, Start)> {
        let Self { conversation_id, message, replace_from, time_zone, confirm, calls, retry } = self;
        let mut errors = Vec::new();
        if retry && (message.is_some() || confirm.is_some()) {
            errors.push(FieldError::new("retry", "must not come with a message or confirm"));
        }
        match (&message, confirm) {
            (None, None) if retry => {}
            (None, None) => errors.push(FieldError::new("message", "is required")),
            (Some(_), Some(_)) => errors.push(FieldError::new("confirm", "must not come with a message")),
            (Some(text), None) => {
                if text.trim().is_empty() || text.chars().count() > MAX_MESSAGE_CHARACTERS {
                    errors.push(FieldError::new("message", "must be 1 to 4000 characters, not only space"));
                } else if text.contains('\0') {
                    errors.push(FieldError::new("message", "must not contain the NUL character"));
                }
            }
            (None, Some(_)) => {}
        }
        if conversation_id.is_none() && (confirm.is_some() || replace_from.is_some() || retry) {
            errors.push(FieldError::new("conversation_id", "is required"));
        }
        if confirm.is_none() && !calls.is_empty() {
            errors.push(FieldError::new("calls", "must come with confirm"));
        }
        if message.is_none() && replace_from.is_some() {
            errors.push(FieldError::new("replace_from", "must come with a message"));
        }
        if message.is_none() && time_zone.is_some() {
            errors.push(FieldError::new("time_zone", "must come with a message"));
        }
        let zone = time_zone.as_deref().and_then(prompt::find_time_zone);
        if time_zone.is_some() && zone.is_none() {
            let rule = "must be the IANA name of a time zone, such as Europe/Berlin";
            errors.push(FieldError::new("time_zone", rule));
        }
        let start = match (message, confirm) {
            (Some(text), None) => Start::Message { text, replace_from, time_zone: zone },
            (None, Some(confirmed)) => Start::Confirm { confirmed, calls },
            (None, None) if retry => Start::Retry,
            _ => return Err(Error::Validation(errors)),
        };
        if errors.is_empty() { Ok((conversation_id, start)) } else { Err(Error::Validation(errors)) }
    }
}

#[derive(Serialize, ToSchema)]
struct ChatInfo {
    /// Whether there is a model to talk to.
    configured: bool,
    /// Its name; `null` when there is none.
    model: Option<String>,
}

/// An event on the wire.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what axum writes")]
struct ChatEvent {
    #[schema(inline)]
    event: ChatEventName,
    /// Where to go on from: `Last-Event-ID`.
    id: String,
    /// JSON: `ChatMessageStart`, `ChatTextDelta` (also of `reasoning`), `ChatToolStep` (of `tool_call` and `tool_result`), `ChatMessageEnd`,
    /// `ChatError`.
    data: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what axum writes")]
enum ChatEventName {
    MessageStart,
    Reasoning,
    TextDelta,
    ToolCall,
    ToolResult,
    MessageEnd,
    Error,
}

/// Whether there is a model to talk to
#[utoipa::path(get, path = "/api/chat", tag = "chat", responses((status = 200, body = ChatInfo)))]
async fn chat_info(State(chat): State<Chat>, _: Identity) -> Json<ChatInfo> {
    let model = chat.model().ok().map(|_| chat.config().model.clone());
    Json(ChatInfo { configured: model.is_some(), model })
}

/// Send a message, answer a question for confirmation, or try again, and follow what comes of it
///
/// The answer goes on when the stream is closed; follow it again with the events route.
#[utoipa::path(post, path = "/api/chat", tag = "chat", request_body = ChatRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "A retry with the same key within 24 hours follows what the first request has started")),
    responses((status = 200, body = ChatEvent, content_type = "text/event-stream"),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn chat(
    State(chat): State<Chat>,
    identity: Identity,
    IdempotencyKey(key): IdempotencyKey,
    Json(form): Json<ChatRequest>,
) -> Result<Response> {
    let request = serde_json::to_vec(&form).map_err(anyhow::Error::from)?;
    let attempt = key.map(|key| Attempt::new(key, "chat", &request));
    let (conversation_id, start) = form.start()?;
    chat.model()?;
    let stream_slot = chat.dependencies().streams.slot(identity.user_id)?;
    let (conversation_id, position) =
        match start::start(&chat, identity.user_id, conversation_id, start, attempt).await? {
            Started::Now { run, position, slot } => {
                chat.spawn(slot, turn::run(chat.clone(), run));
                (run.conversation_id, position)
            }
            Started::Before(StartedBefore { conversation_id, position }) => {
                events::start_position(&chat.pool(), identity.user_id, conversation_id, Some(position)).await?;
                (conversation_id, position)
            }
        };
    Ok(follow(&chat, stream_slot, identity, conversation_id, position))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChatEventsQuery {
    /// Like the `Last-Event-ID` header, for clients that cannot set it.
    #[param(minimum = 0)]
    last_event_id: Option<i64>,
}

/// Follow the answer that is in the making
///
/// From after the last event that was seen, a conversation's `position`, or from now on. Ends with the turn. 204: no
/// turn is at work and nothing was missed.
#[utoipa::path(get, path = "/api/chat/{id}/events", tag = "chat",
    params(("id" = Uuid, Path), ChatEventsQuery, ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,18}$",
        description = "Id of the last event that was seen")),
    responses((status = 200, body = ChatEvent, content_type = "text/event-stream"), (status = 204),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json"),
              (status = 410, body = Problem, content_type = "application/problem+json")))]
async fn chat_events(
    State(chat): State<Chat>,
    identity: Identity,
    Id(id): Id,
    headers: HeaderMap,
    Query(query): Query<ChatEventsQuery>,
) -> Result<Response> {
    let last_seen = last_event_id(&headers, query.last_event_id)?;
    start::end_abandoned(&chat, id).await?;
    match events::start_position(&chat.pool(), identity.user_id, id, last_seen).await? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(position) => {
            let slot = chat.dependencies().streams.slot(identity.user_id)?;
            Ok(follow(&chat, slot, identity, id, position))
        }
    }
}

/// Stop the answer that is in the making, if there is one
#[utoipa::path(post, path = "/api/chat/{id}/cancel", tag = "chat", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn cancel_chat(State(chat): State<Chat>, identity: Identity, Id(id): Id) -> Result<StatusCode> {
    start::end_abandoned(&chat, id).await?;
    conversations::cancel(&chat, identity.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
