//! The Todo application's HTTP service.

pub mod accounts;
pub mod chat;
pub mod commands;
pub mod db;
pub mod events;
pub mod http;
pub mod idempotency;
pub mod mcp;
pub mod notifier;
pub mod server;
pub mod tasks;
pub mod telemetry;
pub mod tools;

pub use http::error::{Error, Result};
