//! Tests of the HTTP API against a real PostgreSQL. The routes run in the process of the test, and each test has its
//! own database.
//!
//! `DATABASE_URL` names the server. Its role must be allowed to create databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod account;
mod bulk;
mod chat;
mod cleanup;
mod compression;
mod credential_cache;
mod deletion;
mod errors;
mod events;
mod idempotency;
mod listing;
mod log;
mod lost_connections;
mod mcp;
mod ops;
mod password_hashing;
mod plans;
mod preconditions;
mod quotas;
mod rate_limits;
mod round_trips;
mod schema;
mod sessions;
mod smoke;
mod support;
mod tasks;
mod tokens;
mod tools;
mod transfer;
