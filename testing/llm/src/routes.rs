//! The HTTP routes.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    completion::{self, Envelope},
    conversation::Conversation,
    reply::{Fault, Quirk},
    script::{Rule, Script},
    state::State,
    stream, validation,
};

const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/models", get(models))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/script", put(put_script))
        .route("/rules", post(add_rules))
        .route("/gates/{name}", post(open_gate))
        .route("/health", get(|| async {}))
        // Conversations with tool results, such as logs, are long.
        .layer(DefaultBodyLimit::max(16 << 20))
        .with_state(state)
}

/// An error in the form of the `OpenAI` API.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn bad_request(code: &'static str, message: &impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.to_string() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error =
            json!({ "message": self.message, "type": "invalid_request_error", "param": null, "code": self.code });
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

async fn complete(Shared(state): Shared<Arc<State>>, headers: HeaderMap, body: String) -> Result<Response, Refusal> {
    let open_answer = state.start_answer();
    let request: Value = serde_json::from_str(&body).map_err(|error| Refusal::bad_request("invalid_json", &error))?;
    let number = state.record(request.clone());
    authorize(&state, &headers)?;
    validation::validate(&request, state.provider())
        .map_err(|error| Refusal::bad_request("invalid_request", &error))?;

    let conversation = Conversation::from_request(&request);
    let (reply, captured) = state.choose_reply(&conversation).ok_or_else(|| {
        let message = conversation.user_message();
        Refusal::bad_request(
            "no_reply",
            &format!("the script has no reply for {message:?} in round {}", conversation.round()),
        )
    })?;
    let answer =
        Answer::render(reply, captured, &conversation).map_err(|error| Refusal::bad_request("script_error", &error))?;
    match &answer.reply.fault {
        Some(Fault::Status { code, retry_after, message }) => {
            return Ok(status(*code, *retry_after, message, answer.reply.raw.as_deref()));
        }
        Some(Fault::Silence) => state.stop.cancelled().await,
        // Unwinding closes the connection, and does not run the panic hook.
        Some(Fault::Close) => std::panic::resume_unwind(Box::new("the connection ends")),
        _ => {}
    }

    let envelope = Envelope::new(number, &request);
    let gate = answer.reply.gate.as_ref().map(|gate| state.gate(&gate.name));
    if request["stream"] != true || answer.reply.has(Quirk::Json) {
        if let Some(gate) = gate
            && let Ok(permit) = gate.acquire().await
        {
            permit.forget();
        }
        return Ok(Json(completion::document(&envelope, &answer)).into_response());
    }
    if let Some(raw) = &answer.reply.raw {
        let writes = stream::writes(raw, &answer.reply);
        let body = stream::body(futures_util::stream::iter(writes.into_iter().map(Ok)), state.stop.clone());
        return Ok(([(header::CONTENT_TYPE, EVENT_STREAM)], body).into_response());
    }
    let chunks = completion::chunks(&envelope, &answer, request["stream_options"]["include_usage"] == true);
    let events = stream::events(chunks, answer.reply, gate).map(move |event| {
        // The answer counts as open until its stream is dropped.
        let _ = &open_answer;
        event
    });
    let body = stream::body(events, state.stop.clone());
    Ok(([(header::CONTENT_TYPE, EVENT_STREAM)], body).into_response())
}

fn authorize(state: &State, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match state.key() {
        Some(key) if given != Some(&format!("Bearer {key}")) => Err(Refusal {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_api_key",
            message: "Incorrect API key provided.".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn status(code: u16, retry_after: Option<u64>, message: &str, raw: Option<&str>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = if message.is_empty() { status.canonical_reason().unwrap_or_default() } else { message };
    let kind = match code {
        429 => "rate_limit_exceeded",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    let error = json!({ "error": { "message": message, "type": kind, "param": null, "code": null } });
    let mut response = match raw {
        Some(body) => (status, body.to_owned()).into_response(),
        None => (status, Json(error)).into_response(),
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn models() -> Json<Value> {
    let model = json!({ "id": "demo", "object": "model", "created": 1_767_225_600, "owned_by": "todo" });
    Json(json!({ "object": "list", "data": [model] }))
}

async fn requests(Shared(state): Shared<Arc<State>>) -> Json<Vec<Value>> {
    Json(state.requests())
}

async fn clear_requests(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.clear_requests();
    StatusCode::NO_CONTENT
}

async fn put_script(Shared(state): Shared<Arc<State>>, script: String) -> Result<StatusCode, Refusal> {
    state.set_script(Script::parse(&script).map_err(|error| Refusal::bad_request("script_error", &error))?);
    Ok(StatusCode::NO_CONTENT)
}

async fn add_rules(Shared(state): Shared<Arc<State>>, rules: String) -> Result<StatusCode, Refusal> {
    let rules: Vec<Rule> =
        serde_saphyr::from_str(&rules).map_err(|error| Refusal::bad_request("script_error", &error))?;
    state.add_rules(rules);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct OpenGate {
    /// The number of chunks that may pass; all of them without it.
    chunks: Option<usize>,
}

async fn open_gate(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    Query(query): Query<OpenGate>,
) -> StatusCode {
    let gate = state.gate(&name);
    match query.chunks {
        Some(chunks) => gate.add_permits(chunks),
        None => gate.close(),
    }
    StatusCode::NO_CONTENT
}
