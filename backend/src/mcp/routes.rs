//! `/mcp`: the server over streamable HTTP, without sessions.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{FromRef, FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use rmcp::{
    model::ErrorCode,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};

use super::{handler::Handler, message};
use crate::{
    accounts::{Accounts, Identity},
    db::Database,
    http::{
        error::{Error, Result},
        extract::{Json, MAX_BODY_BYTES, body_error, content_type},
        origin,
        problem::Problem,
    },
    tools::Tools,
};

/// The headers of requests that the protocol adds to those of HTTP, in all its versions. A page of a listed origin may
/// send them.
pub const HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
];

/// What the server needs.
#[derive(Clone)]
pub struct McpState {
    pub accounts: Accounts,
    pub database: Database,
    pub tools: Tools,
    /// Values of `Host` under which clients may call.
    pub allowed_hosts: Vec<String>,
}

impl FromRef<McpState> for Accounts {
    fn from_ref(state: &McpState) -> Self {
        state.accounts.clone()
    }
}

pub fn router<S: Clone + Send + Sync + 'static>(state: McpState) -> Router<S> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_BODY_BYTES)
        .with_allowed_hosts(&state.allowed_hosts);
    let handler = Handler { database: state.database.clone(), tools: state.tools.clone() };
    let service =
        StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), config);
    let routes = Router::new().route_service("/mcp", service).layer(from_fn(check_message));
    routes.layer(from_fn_with_state(state, authorize))
}

/// A bearer token is required: the cookie of a session is for pages of our own, and none of them calls this.
async fn authorize(State(state): State<McpState>, request: Request, next: Next) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(Error::Unauthorized);
    }
    origin::check(&parts.method, &parts.headers, &state.accounts.settings().allowed_origins)?;
    let identity = Identity::from_request_parts(&mut parts, &state).await?;
    parts.extensions.insert(identity);
    Ok(with_problem(next.run(Request::from_parts(parts, body)).await).await)
}

/// Answers what is no message of the protocol, and passes on the rest.
async fn check_message(mut request: Request, next: Next) -> Result<Response> {
    if accepts_json(request.headers()) {
        let both = HeaderValue::from_static("application/json, text/event-stream");
        request.headers_mut().insert(header::ACCEPT, both);
    }
    if request.method() != Method::POST || content_type(&request).as_deref() != Some("application/json") {
        return Ok(next.run(request).await);
    }
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|error| body_error(&error, MAX_BODY_BYTES))?;
    let Err(refusal) = message::read(&body) else {
        return Ok(next.run(Request::from_parts(parts, body.into())).await);
    };
    // Only what names its request is answered like a request.
    let understood = refusal.error.code == ErrorCode::INVALID_PARAMS;
    let status = if understood { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, Json(refusal)).into_response())
}

/// Whether the client takes JSON, which every answer is.
fn accepts_json(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = values.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next()).peekable();
    let accepted = ["*/*", "application/*", "application/json"];
    types.peek().is_none() || types.any(|kind| accepted.iter().any(|json| json.eq_ignore_ascii_case(kind.trim())))
}

/// Turns a refusal of the SDK in plain text into a problem.
async fn with_problem(response: Response) -> Response {
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let (code, detail) = match status {
        StatusCode::FORBIDDEN => {
            let detail = "MCP_ALLOWED_HOSTS does not list the host by which this request came.";
            ("forbidden_host", detail.to_owned())
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let detail = "This server keeps no session and opens no stream by itself: everything is a POST.";
            ("method_not_allowed", detail.to_owned())
        }
        StatusCode::PAYLOAD_TOO_LARGE => return Error::PayloadTooLarge { limit: MAX_BODY_BYTES }.into_response(),
        _ => {
            let text = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
            ("bad_request", String::from_utf8_lossy(&text).into_owned())
        }
    };
    head.extensions.insert(Problem::new(status, code, detail));
    Response::from_parts(head, Body::empty())
}

#[cfg(test)]
mod tests {
    use rmcp::ServerHandler;

    use super::*;

    struct Anything;

    impl ServerHandler for Anything {}

    /// The status with which the SDK answers a body.
    async fn status(accept: &str, body: &str) -> StatusCode {
        let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
        let service = StreamableHttpService::new(|| Ok(Anything), Arc::new(NeverSessionManager::default()), config);
        let request = Request::post("/mcp").header("host", "localhost").header("accept", accept);
        let request = request.header("content-type", "application/json").body(Body::from(body.to_owned()));
        service.handle(request.unwrap()).await.status()
    }

    /// When this fails, `check_message` can go.
    #[tokio::test]
    async fn the_sdk_has_no_error_for_a_body_that_is_no_message() {
        for body in ["{bad", "[]", r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#] {
            let status = status("application/json, text/event-stream", body).await;
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{body}");
        }
        let status = status("*/*", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
        assert_eq!(status, StatusCode::NOT_ACCEPTABLE);
    }
}
