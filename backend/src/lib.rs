//! The Todo application's HTTP service.
//!
//! The rooms, from the top down. Each may use those below it and none above; `tests/architecture` refuses every other
//! arrow.
//!
//! - [`commands`]: what the program does besides serving
//! - [`server`]: configuration, state, router, `OpenAPI` document, start and stop; knows every feature
//! - [`chat`], [`mcp`], [`events`]: conversations with a language model; tasks for MCP clients; live changes
//! - [`tools`]: what language models can do with tasks
//! - [`tasks`]: the tasks themselves, bulk changes, export and import
//! - [`accounts`]: accounts, sessions, API tokens, rate limits
//! - [`http`]: the life of a request, extractors, problems, event streams
//! - [`notifier`], [`telemetry`], [`db`], [`validation`]: notifications, logs and metrics, the database, rules for input
//!
//! A feature has its routes in `routes`, and in its other modules functions that take a connection and know no HTTP.

pub mod accounts;
pub mod chat;
pub mod commands;
pub mod db;
pub mod events;
pub mod http;
pub mod mcp;
pub mod notifier;
pub mod server;
pub mod tasks;
pub mod telemetry;
pub mod tools;
pub mod validation;

/// Version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
