//! `/mcp`: the server over streamable HTTP, without sessions.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};

use super::server::Server;
use crate::{
    accounts::{identity::Identity, origin},
    http::{
        error::{Error, Problem, Result},
        extract::BODY_LIMIT,
    },
    server::state::AppState,
};

pub fn router(state: &AppState) -> Router<AppState> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(BODY_LIMIT)
        .with_allowed_hosts(&state.config.mcp_allowed_hosts);
    let server = Server(state.clone());
    let service =
        StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config);
    Router::new().route_service("/mcp", service).layer(from_fn_with_state(state.clone(), authorize))
}

/// A bearer token is required: the cookie of a session is for pages of our own, and none of them calls this.
async fn authorize(State(state): State<AppState>, request: Request, next: Next) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(Error::Unauthorized);
    }
    origin::check(&parts.method, &parts.headers, &state.config.cors_origins)?;
    let identity = Identity::from_request_parts(&mut parts, &state).await?;
    parts.extensions.insert(identity);
    Ok(told_as_a_problem(next.run(Request::from_parts(parts, body)).await).await)
}

/// The SDK tells some refusals in plain text.
async fn told_as_a_problem(response: Response) -> Response {
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
        StatusCode::PAYLOAD_TOO_LARGE => return Error::PayloadTooLarge { limit: BODY_LIMIT }.into_response(),
        _ => {
            let text = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
            ("bad_request", String::from_utf8_lossy(&text).into_owned())
        }
    };
    head.extensions.insert(Problem::new(status, code, detail));
    Response::from_parts(head, Body::empty())
}
