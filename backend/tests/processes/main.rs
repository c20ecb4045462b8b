//! The real program as processes of its own: outages of the database, several replicas, starting and stopping.
//!
//! What one process does while everything is well is tested in `tests/api`, which is faster.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod support;

mod black_hole;
mod chat;
mod logs;
mod memory;
mod migrate;
mod outage;
mod replicas;
mod shutdown;
mod slow_client;
mod start;
