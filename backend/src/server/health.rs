//! Probes, and who we are.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{http::extract::Json, server::state::AppState};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).routes(routes!(version))
}

/// Whether the service has been told to stop.
#[derive(Debug, Default)]
pub struct Draining(AtomicBool);

impl Draining {
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    #[schema(example = "ready")]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct Version {
    version: &'static str,
    /// Revision of the source, or "unknown".
    revision: String,
}

/// Version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Liveness: the process answers. Never asks the database
#[utoipa::path(get, path = "/health", tag = "ops", security(()), responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "healthy" })
}

/// Readiness: the database answers and the service is not stopping
#[utoipa::path(get, path = "/ready", tag = "ops", security(()), responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(state): State<AppState>) -> Response {
    let reason = if state.draining.has_begun() { Some("shutting down") } else { state.database.probe().await.err() };
    match reason {
        None => Json(Readiness { status: "ready", reason }).into_response(),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { status: "not_ready", reason })).into_response(),
    }
}

/// Version and source revision
#[utoipa::path(get, path = "/version", tag = "ops", security(()), responses((status = 200, body = Version)))]
async fn version(State(state): State<AppState>) -> Json<Version> {
    Json(Version { version: VERSION, revision: state.config.revision.clone() })
}
