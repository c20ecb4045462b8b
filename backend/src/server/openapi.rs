//! The `OpenAPI` 3.1 document: what the handlers declare, and what is true of all of them.

use axum::http::StatusCode;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, PathItem, Ref, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    accounts::SESSION_COOKIE,
    chat::{ChatError, ChatMessageEnd, ChatMessageStart, ChatTextDelta, ChatToolStep},
    events::TaskEvent,
    http::problem::Problem,
};

/// The parts of the document that do not depend on the routes; [`declare_errors`] adds those that do.
#[derive(OpenApi)]
#[openapi(
    info(title = "Todo", description = "Tasks of signed-in users. Errors are application/problem+json (RFC 9457)."),
    security(("session" = []), ("token" = [])),
    components(schemas(
        Problem,
        TaskEvent,
        ChatMessageStart,
        ChatTextDelta,
        ChatToolStep,
        ChatMessageEnd,
        ChatError
    )),
    modifiers(&Credentials)
)]
pub struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))));
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// Adds the errors that come from the extractors and layers around a handler. A handler declares only those of its own.
pub fn declare_errors(document: &mut utoipa::openapi::OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for status in shared_errors(operation) {
            operation.responses.responses.entry(status.as_str().to_owned()).or_insert_with(|| problem(status).into());
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.patch, &mut path.delete].into_iter().flatten()
}

fn shared_errors(operation: &Operation) -> Vec<StatusCode> {
    let public = operation.security.as_ref().is_some_and(|needed| needed.contains(&SecurityRequirement::default()));
    let mut statuses = vec![StatusCode::SERVICE_UNAVAILABLE];
    if !public {
        statuses.extend([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]);
    }
    if operation.parameters.is_some() || operation.request_body.is_some() {
        statuses.extend([StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY]);
    }
    if operation.request_body.is_some() {
        statuses.extend([StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE]);
    }
    statuses
}

fn problem(status: StatusCode) -> utoipa::openapi::Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(status.canonical_reason().unwrap_or_default())
        .content("application/problem+json", body)
        .build()
}
