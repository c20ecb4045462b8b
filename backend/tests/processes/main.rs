//! Tests of the program as a process: outages of the database, several replicas, starting and stopping.
//!
//! `tests/api` tests what one process does without faults, which is faster.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod support;

mod black_hole;
mod chat;
mod connections;
mod given_up;
mod logs;
mod mcp_stdio;
mod memory;
mod migrate;
mod odd_bodies;
mod outage;
mod replicas;
mod shutdown;
mod slow_client;
mod start;
