//! The life of a request: id, time limit, log line, metrics, and the body of an error answer.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{error::Error, problem::Problem};
use crate::{db::Database, telemetry::metrics::RequestMetrics};

const REQUEST_ID: &str = "x-request-id";

/// Whether the service is about to stop. A clone refers to the same service.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Carries the user from the extractor that authenticates a request to the log line of that request.
#[derive(Clone, Default)]
pub struct RequestUser(Arc<OnceLock<Uuid>>);

impl RequestUser {
    pub fn set(&self, user: Uuid) {
        // A second extractor in the same request finds the same user.
        let _ = self.0.set(user);
    }

    /// `None` before the extractor has run.
    pub fn get(&self) -> Option<Uuid> {
        self.0.get().copied()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestUser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// What [`observe`] needs.
#[derive(Clone)]
pub struct Observer {
    pub metrics: RequestMetrics,
    pub draining: Draining,
}

/// A request from its arrival to its log line.
struct Arrived {
    observer: Observer,
    started: Instant,
    id: HeaderValue,
    method: Method,
    route: String,
    user: RequestUser,
    answered: bool,
}

impl Arrived {
    fn new(observer: Observer, request: &mut Request) -> Self {
        let id = request.headers().get(REQUEST_ID).filter(|id| is_valid_id(id)).cloned().unwrap_or_else(new_id);
        // The raw path would be a label of unbounded cardinality.
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
        let user = RequestUser::default();
        request.extensions_mut().insert(user.clone());
        let method = request.method().clone();
        Self { observer, started: Instant::now(), id, method, route, user, answered: false }
    }

    fn answered(mut self, status: StatusCode) {
        self.answered = true;
        let status = status.as_u16();
        self.observer.metrics.request_finished(self.method.as_str(), &self.route, status, self.started.elapsed());
        self.log(Some(status), "request");
    }

    /// `status` is absent if there was no answer.
    fn log(&self, status: Option<u16>, message: &str) {
        tracing::info!(
            method = self.method.as_str(),
            route = self.route,
            status,
            ms = self.started.elapsed().as_secs_f64() * 1000.0,
            request_id = self.id.to_str().unwrap_or_default(),
            user_id = self.user.0.get().map(Uuid::to_string),
            "{message}"
        );
    }
}

/// A client that goes away drops the request.
impl Drop for Arrived {
    fn drop(&mut self) {
        if !self.answered {
            self.observer.metrics.request_aborted(self.method.as_str(), &self.route);
            self.log(None, "request aborted");
        }
    }
}

/// The outermost layer. Keeps a valid incoming `x-request-id`, so that one id follows a request through the proxies.
pub async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let arrived = Arrived::new(observer, &mut request);
    let in_flight = arrived.observer.metrics.request_started();
    let mut response = next.run(request).await;
    drop(in_flight);

    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        arrived.id.to_str().unwrap_or_default().clone_into(&mut problem.request_id);
        write_problem(&mut response, &problem);
    }
    response.headers_mut().insert(REQUEST_ID, arrived.id.clone());
    if arrived.observer.draining.has_begun() {
        // The client's next request would meet a closing connection, which is an error without an answer.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    arrived.answered(response.status());
    response
}

/// Gives a request up when it takes too long. Streams are not cut: the limit is on the answer's beginning.
pub async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::Timeout.into_response(),
    }
}

/// Answers 503 at once while the database is known to be unavailable, also to requests that already wait for it.
pub async fn require_database(State(database): State<Database>, request: Request, next: Next) -> Response {
    tokio::select! {
        biased;
        () = database.until_unavailable() => Error::Unavailable.into_response(),
        response = next.run(request) => response,
    }
}

/// Turns a panic into an answer and a log line.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer wants")]
pub fn panic_response(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::Internal(anyhow::anyhow!("panic: {message}")).into_response()
}

fn write_problem(response: &mut Response, problem: &Problem) {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    *response.body_mut() = body.into();
}

fn new_id() -> HeaderValue {
    HeaderValue::try_from(Uuid::now_v7().to_string()).expect("a UUID is a valid header value")
}

/// Whether the id is short, and of characters that need no escaping in a log.
fn is_valid_id(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=128).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}
