//! The server: configuration, state, router, the `OpenAPI` document, start and stop. The only room that knows every
//! feature.

pub mod cleanup;
pub mod config;
mod connections;
mod environment;
pub mod health;
pub mod metrics;
pub mod openapi;
pub mod router;
pub mod serve;
pub mod state;
