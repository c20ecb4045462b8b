//! The dashboards of the chart and the HTTP API of Prometheus, for the tests.
//!
//! - [`dashboards`]: the queries of every panel
//! - [`prometheus`]: paths and answers of the HTTP API
//! - [`picture`]: drawing a dashboard
//!
//! The module `conventions` tests the dashboards.

#[cfg(test)]
mod conventions;
pub mod dashboards;
pub mod picture;
pub mod prometheus;
