//! Probes, and the version.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{config::Config, state::AppState};
use crate::{
    VERSION,
    db::Database,
    http::{extract::Json, request::Draining},
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).routes(routes!(version))
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

/// Liveness: the process answers. Never asks the database
#[utoipa::path(get, path = "/health", tag = "ops", security(()), responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "healthy" })
}

/// Readiness: the database answers and the service is not stopping
#[utoipa::path(get, path = "/ready", tag = "ops", security(()), responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(draining): State<Draining>, State(database): State<Database>) -> Response {
    // It only reads what the last probe found, so that asking often neither loads the database nor delays the probes.
    let reason = if draining.has_begun() { Some("shutting down") } else { database.unavailable_reason() };
    match reason {
        None => Json(Readiness { status: "ready", reason }).into_response(),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { status: "not_ready", reason })).into_response(),
    }
}

/// Version and source revision
#[utoipa::path(get, path = "/version", tag = "ops", security(()), responses((status = 200, body = Version)))]
async fn version(State(config): State<Arc<Config>>) -> Json<Version> {
    Json(Version { version: VERSION, revision: config.revision.clone() })
}
