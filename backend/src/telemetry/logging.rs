//! JSON log lines, with a level that can change while the service runs.

use anyhow::{Context, ensure};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Registry,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

/// Changes the level of the running service.
#[derive(Clone)]
pub struct LogLevel(reload::Handle<EnvFilter, Registry>);

impl LogLevel {
    pub fn set(&self, level: &str) -> anyhow::Result<()> {
        self.0.reload(parse_filter(level)?).context("logging has ended")
    }
}

/// A level, or directives such as `info,sqlx=debug`. A bare word that is no level is refused: `tracing` would take it
/// for the name of a module, and log nothing else.
pub fn parse_filter(text: &str) -> anyhow::Result<EnvFilter> {
    let mut bare = text.split(',').map(str::trim).filter(|directive| !directive.contains('='));
    let known = bare.all(|word| !word.is_empty() && word.parse::<LevelFilter>().is_ok());
    ensure!(known, "not a log level or filter");
    // For each request that it refuses, the MCP library logs a warning with the contents of request and answer.
    EnvFilter::try_new(format!("rmcp=error,{text}")).context("not a log level or filter")
}

/// A subscriber that writes one JSON object a line, and the handle that changes its level.
pub fn subscriber(
    level: &str,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> anyhow::Result<(impl Subscriber + Send + Sync, LogLevel)> {
    let (filter, handle) = reload::Layer::new(parse_filter(level)?);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    Ok((tracing_subscriber::registry().with(filter).with(lines.with_writer(writer)), LogLevel(handle)))
}

/// Logs on standard output from now on.
pub fn init(level: &str) -> anyhow::Result<LogLevel> {
    init_to(level, std::io::stdout)
}

/// Logs to `writer` from now on.
pub fn init_to(level: &str, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> anyhow::Result<LogLevel> {
    let (subscriber, level) = subscriber(level, writer)?;
    subscriber.try_init()?;
    // Panics are log lines too, not bare text on standard error.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
    Ok(level)
}
