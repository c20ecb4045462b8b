//! Logs and metrics as such. Uses `db`; the metrics of a feature are in its own room.

pub mod logging;
pub mod metrics;
pub mod postgres;
