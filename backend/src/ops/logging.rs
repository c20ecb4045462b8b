//! JSON log lines, with a level that can change while the service runs.

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// Changes the level of the running service.
#[derive(Clone)]
pub struct LogLevel(reload::Handle<EnvFilter, Registry>);

impl LogLevel {
    /// `level` is a level or a `tracing` filter such as `info,sqlx=debug`.
    pub fn set(&self, level: &str) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(level).context("not a log level or filter")?;
        self.0.reload(filter).context("logging has ended")
    }
}

/// One JSON object a line, on standard output.
pub fn init(level: &str) -> anyhow::Result<LogLevel> {
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(level)?);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    // Panics are log lines too, not bare text on standard error.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
    Ok(LogLevel(handle))
}
