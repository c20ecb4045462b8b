//! The dashboards of the chart, and the answers of a Prometheus, for the tests.
//!
//! - [`dashboards`]: the queries of every panel
//! - [`prometheus`]: the answers of its HTTP API
//! - [`picture`]: what a dashboard looks like
//!
//! The conventions that dashboards keep are tested here as well.

#[cfg(test)]
mod conventions;
pub mod dashboards;
pub mod picture;
pub mod prometheus;
