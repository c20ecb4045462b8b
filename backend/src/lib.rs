//! The Todo application's HTTP service.
//!
//! Start reading at [`router`], which names every route, then open the feature you care about. Each feature holds
//! its routes, its types and its SQL side by side:
//!
//! - [`auth`]: accounts, sessions, API tokens, attempt limits
//! - [`tasks`]: the tasks themselves, bulk changes, export and import
//! - [`events`]: live changes as server-sent events
//! - [`chat`]: conversations with a language model that works on the tasks
//! - [`mcp`]: the same tasks as tools for language models
//! - [`ops`]: health, metrics, logs, the background clean-up
//!
//! [`http`] is what the features share: the request's life cycle, extractors, the error type. [`serve`] puts it all
//! together and takes it down again.

pub mod auth;
pub mod chat;
pub mod check;
pub mod config;
pub mod database;
pub mod events;
pub mod http;
pub mod idempotency;
pub mod mcp;
pub mod openapi;
pub mod ops;
pub mod router;
pub mod serve;
pub mod smoke;
pub mod state;
pub mod tasks;

pub use http::error::{Error, Result};
