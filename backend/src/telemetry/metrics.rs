//! Prometheus metrics on a listener of their own, which no Ingress reaches.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::{logging::LogLevel, postgres::Statistics};
use crate::{chat::ChatMetrics, db::Database, server::health::VERSION};

/// Seconds; from 1 ms, a read from memory, to 5 s, close to the time limit.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

pub struct Metrics {
    registry: Registry,
    database: Database,
    requests: IntCounterVec,
    latency: HistogramVec,
    in_flight: IntGauge,
    connections: IntGaugeVec,
    pub event_streams: IntGauge,
    ready: IntGauge,
    database_up: IntGauge,
    statistics: Statistics,
    pub chat: ChatMetrics,
    /// By tool, result and source.
    pub tool_calls: IntCounterVec,
}

impl Metrics {
    pub fn new(database: Database, revision: &str) -> prometheus::Result<Self> {
        let labels = &["method", "route", "status"];
        let metrics = Self {
            requests: IntCounterVec::new(Opts::new("http_requests_total", "Requests answered"), labels)?,
            latency: HistogramVec::new(
                HistogramOpts::new("http_request_duration_seconds", "Time until the answer began")
                    .buckets(LATENCY_BUCKETS.to_vec()),
                labels,
            )?,
            in_flight: IntGauge::new("http_requests_in_flight", "Requests being answered")?,
            connections: IntGaugeVec::new(
                Opts::new("database_connections", "Connections of the pool by state"),
                &["state"],
            )?,
            event_streams: IntGauge::new("event_streams", "Open event streams")?,
            ready: IntGauge::new(
                "ready",
                "1 while the service is ready: the database answers, and it is not stopping",
            )?,
            database_up: IntGauge::new("database_up", "1 while the database answers")?,
            statistics: Statistics::default(),
            chat: ChatMetrics::new()?,
            tool_calls: IntCounterVec::new(
                Opts::new("tool_calls_total", "Tools that language models called"),
                &["tool", "result", "source"],
            )?,
            registry: Registry::new(),
            database,
        };
        let build =
            IntGaugeVec::new(Opts::new("build_info", "Version and revision; always 1"), &["version", "revision"])?;
        build.with_label_values(&[VERSION, revision]).set(1);
        metrics.registry.register(Box::new(build))?;
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.latency.clone()))?;
        metrics.registry.register(Box::new(metrics.in_flight.clone()))?;
        metrics.registry.register(Box::new(metrics.connections.clone()))?;
        metrics.registry.register(Box::new(metrics.event_streams.clone()))?;
        metrics.registry.register(Box::new(metrics.ready.clone()))?;
        metrics.registry.register(Box::new(metrics.database_up.clone()))?;
        metrics.chat.register(&metrics.registry)?;
        metrics.registry.register(Box::new(metrics.tool_calls.clone()))?;
        #[cfg(target_os = "linux")]
        metrics.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    /// Counts a request as in flight until the guard is dropped, also when the client goes away.
    pub fn request_started(&self) -> GaugeGuard {
        GaugeGuard::new(&self.in_flight)
    }

    pub fn request_finished(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let labels = &[known_method(method), route, status_class(status)];
        self.requests.with_label_values(labels).inc();
        self.latency.with_label_values(labels).observe(elapsed.as_secs_f64());
    }

    /// The text exposition format.
    pub async fn render(&self, draining: bool) -> prometheus::Result<Vec<u8>> {
        let pool = self.database.pool();
        let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
        let max = pool.options().get_max_connections();
        self.connections.with_label_values(&["idle"]).set(idle);
        self.connections.with_label_values(&["used"]).set((i64::from(pool.size()) - idle).max(0));
        self.connections.with_label_values(&["max"]).set(i64::from(max));
        let answers = self.database.answers();
        self.database_up.set(answers.into());
        self.ready.set((answers && !draining).into());
        let mut families = self.registry.gather();
        families.extend(self.statistics.gather(&self.database).await?);
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(text)
    }
}

/// One more while it lives.
pub struct GaugeGuard(IntGauge);

impl GaugeGuard {
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Clients may invent methods; labels must not multiply with them.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Routes of the metrics listener.
pub fn router(state: crate::server::state::AppState, log_level: LogLevel) -> Router {
    let metrics = Router::new().route("/metrics", get(scrape)).with_state(state);
    Router::new().route("/log-level", put(set_log_level)).with_state(log_level).merge(metrics)
}

async fn scrape(State(state): State<crate::server::state::AppState>) -> Response {
    match state.metrics.render(state.draining.has_begun()).await {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// From this machine only, which includes `kubectl port-forward`: other pods may scrape but not change anything.
async fn set_log_level(
    State(log_level): State<LogLevel>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    level: String,
) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return (StatusCode::FORBIDDEN, "only from localhost, for example over kubectl port-forward\n").into_response();
    }
    match log_level.set(level.trim()) {
        Ok(()) => {
            tracing::info!(filter = level.trim(), "log level changed");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "must be error, warn, info, debug, trace or a filter\n").into_response()
        }
    }
}
