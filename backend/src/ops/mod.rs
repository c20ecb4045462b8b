//! What operators use: probes, metrics, logs, the clean-up.

pub mod cleanup;
pub mod health;
pub mod logging;
pub mod metrics;
mod postgres;
