//! The HTTP API against a real PostgreSQL: the routes run in this process, each test in a database of its own.
//!
//! `DATABASE_URL` names the server; its role must be allowed to create databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod account;
mod bulk;
mod chat;
mod cleanup;
mod deletion;
mod errors;
mod events;
mod idempotency;
mod limits;
mod listing;
mod log;
mod mcp;
mod ops;
mod preconditions;
mod sessions;
mod smoke;
mod support;
mod tasks;
mod tokens;
mod tools;
mod transfer;
