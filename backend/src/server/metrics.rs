//! The listener for operators, which no Ingress reaches: Prometheus metrics, and the level of the log.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use prometheus::{Encoder, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector};

use crate::{
    VERSION,
    db::Database,
    http::request::Draining,
    telemetry::{logging::LogLevel, metrics::registered, postgres::Statistics},
};

/// All metrics of the process. A clone refers to the same.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    registry: Registry,
    database: Database,
    connections: IntGaugeVec,
    ready: IntGauge,
    database_up: IntGauge,
    statistics: Statistics,
}

impl Metrics {
    /// `registry` has the metrics of the features; those of the process itself are added.
    pub fn new(registry: Registry, database: Database, revision: &str) -> prometheus::Result<Self> {
        let build = Opts::new("build_info", "Version and revision; always 1");
        let build = registered(&registry, IntGaugeVec::new(build, &["version", "revision"])?)?;
        build.with_label_values(&[VERSION, revision]).set(1);
        let connections = Opts::new("database_connections", "Connections of the pool by state");
        let connections = registered(&registry, IntGaugeVec::new(connections, &["state"])?)?;
        let ready = "1 while the service is ready: the database answers, and it is not stopping";
        let ready = registered(&registry, IntGauge::new("ready", ready)?)?;
        let database_up = IntGauge::new("database_up", "1 while the database answers")?;
        let database_up = registered(&registry, database_up)?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let statistics = Statistics::default();
        Ok(Self(Arc::new(Shared { registry, database, connections, ready, database_up, statistics })))
    }

    /// Adds a metric of the program, which exists before the state.
    pub fn add(&self, metric: impl Collector + 'static) -> prometheus::Result<()> {
        self.0.registry.register(Box::new(metric))
    }

    /// The text exposition format.
    pub async fn render(&self, draining: bool) -> prometheus::Result<Vec<u8>> {
        let Shared { registry, database, connections, ready, database_up, statistics } = &*self.0;
        let pool = database.pool();
        let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
        let max = pool.options().get_max_connections();
        connections.with_label_values(&["idle"]).set(idle);
        connections.with_label_values(&["used"]).set((i64::from(pool.size()) - idle).max(0));
        connections.with_label_values(&["max"]).set(i64::from(max));
        let available = database.is_available();
        database_up.set(available.into());
        ready.set((available && !draining).into());
        let mut families = registry.gather();
        families.extend(statistics.gather(database).await?);
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(text)
    }
}

/// What the listener needs.
#[derive(Clone)]
pub struct MetricsState {
    pub metrics: Metrics,
    pub draining: Draining,
    pub log_level: LogLevel,
}

/// Routes of the metrics listener.
pub fn router(state: MetricsState) -> Router {
    Router::new().route("/metrics", get(scrape)).route("/log-level", put(set_log_level)).with_state(state)
}

async fn scrape(State(state): State<MetricsState>) -> Response {
    match state.metrics.render(state.draining.has_begun()).await {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Only this machine may change the level, which includes `kubectl port-forward`: other pods may read the metrics and
/// nothing more.
async fn set_log_level(
    State(MetricsState { log_level, .. }): State<MetricsState>,
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
