//! Every route, and the layers around them.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{from_fn_with_state, map_request, map_response},
    response::Response,
};
use tower::util::option_layer;
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
    cors::CorsLayer,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::{
    health,
    openapi::{Document, declare_errors},
    state::AppState,
};
use crate::{
    accounts, chat, events,
    http::{
        error::Error,
        extract::MAX_BODY_BYTES,
        request::{limit_time, observe, panic_response, require_database},
        unread_body::discard_unread_body,
        wake::wake_streams,
    },
    mcp, tasks,
};

/// Smallest body that is compressed, in bytes. A smaller one fits into a packet as it is.
const MIN_COMPRESSED_BYTES: u64 = 1024;

/// The features, which need the database.
fn features() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(accounts::router())
        .merge(tasks::router())
        .merge(events::router())
        .merge(chat::router())
}

/// The `OpenAPI` 3.1 document, made from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = features().merge(health::router()).into_openapi();
    declare_errors(&mut document);
    document
}

/// The service's main listener.
pub fn router(state: AppState) -> Router {
    let features = Router::from(features()).merge(mcp::router(state.mcp()));
    let features = features
        .layer(from_fn_with_state(state.notifier.clone(), wake_streams))
        .layer(from_fn_with_state(state.database.clone(), require_database));
    let routes = Router::from(health::router())
        .merge(features)
        .merge(SwaggerUi::new("/api/docs").url("/api/openapi.json", openapi()));
    with_layers(routes, state)
}

/// Adds what every request goes through, whatever its route; the last layer is the outermost.
pub fn with_layers(routes: Router<AppState>, state: AppState) -> Router {
    let origins = &state.config.cors_origins;
    routes
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(compression())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(option_layer((!origins.is_empty()).then(|| cors(origins))))
        .layer(from_fn_with_state(state.config.request_timeout, limit_time))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(map_response(security_headers))
        .layer(map_request(discard_unread_body))
        .layer(from_fn_with_state(state.observer.clone(), observe))
        .with_state(state)
}

/// Compresses by what the client accepts: zstd, brotli or gzip. Events must not wait in the buffer of a compressor.
fn compression() -> CompressionLayer<impl Predicate> {
    let predicate = SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let allow = ["idempotency-key", "last-event-id", "x-request-id"].map(HeaderName::from_static);
    let expose = ["etag", "location", "retry-after", "x-request-id"].map(HeaderName::from_static);
    let standard = [header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH];
    CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(standard.into_iter().chain(allow).chain(mcp::HEADERS).collect::<Vec<_>>())
        .expose_headers(expose)
}

/// Answers must not be cached, because they are private to the user, and not be taken for another type than theirs.
async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
