//! JSON log lines, with a level that can change while the service runs. A thread of its own writes them, so that no
//! request waits for a reader of the log.

use std::{
    io::{self, Write},
    iter,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use prometheus::IntCounter;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Registry,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

/// Lines that wait to be written. More are dropped and counted: what cannot be written must not fill the memory.
const MAX_WAITING_LINES: usize = 4096;
/// Lines that come within this time of the first are written together: to wake the thread for each of them costs a
/// small request a tenth of its time.
const BATCH_INTERVAL: Duration = Duration::from_millis(5);
/// How long the end of the program waits for the lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Time between two attempts to put something into a full queue.
const QUEUE_RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The log of the running program. Dropping it waits until the lines are written.
pub struct Log {
    pub level: LogLevel,
    lines: Lines,
}

impl Log {
    /// The number of lines that were dropped.
    pub fn dropped_lines(&self) -> IntCounter {
        self.lines.dropped.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        let (written, all_written) = sync_channel(1);
        let mut message = Message::Flush(written);
        while let Err(TrySendError::Full(unsent)) = self.lines.queue.try_send(message) {
            if Instant::now() > deadline {
                return;
            }
            thread::sleep(QUEUE_RETRY_INTERVAL);
            message = unsent;
        }
        // A timeout means that nobody reads the log.
        let _ = all_written.recv_timeout(FLUSH_TIMEOUT);
    }
}

enum Message {
    Line(Vec<u8>),
    /// Answered when all lines before it are written.
    Flush(SyncSender<()>),
}

/// The queue of the lines. A clone refers to the same queue.
///
/// The writer of `tracing-appender` would do, but its guard prints to standard output when the queue is full, and thus
/// hangs at the end of a program whose log nobody reads.
#[derive(Clone)]
struct Lines {
    queue: SyncSender<Message>,
    dropped: IntCounter,
}

impl Lines {
    fn written_to(mut output: impl Write + Send + 'static) -> anyhow::Result<Self> {
        let help = "Log lines that were dropped, because they were not read as fast as they came";
        let dropped = IntCounter::new("log_lines_dropped_total", help)?;
        let (queue, waiting) = sync_channel(MAX_WAITING_LINES);
        let write = move || {
            let mut batch = Vec::new();
            while let Ok(first) = waiting.recv() {
                thread::sleep(BATCH_INTERVAL);
                let mut flushes = Vec::new();
                for message in iter::once(first).chain(waiting.try_iter()).take(MAX_WAITING_LINES) {
                    match message {
                        Message::Line(line) => batch.extend(line),
                        Message::Flush(written) => flushes.push(written),
                    }
                }
                // There is nowhere to report that the log cannot be written.
                let _ = output.write_all(&batch).and_then(|()| output.flush());
                batch.clear();
                for written in flushes {
                    let _ = written.send(());
                }
            }
        };
        thread::Builder::new().name("log".into()).spawn(write)?;
        Ok(Self { queue, dropped })
    }
}

/// The subscriber writes each line at once.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

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
pub fn init(level: &str) -> anyhow::Result<Log> {
    init_to(level, io::stdout())
}

/// Logs to `output` from now on.
pub fn init_to(level: &str, output: impl Write + Send + 'static) -> anyhow::Result<Log> {
    let lines = Lines::written_to(output)?;
    let (subscriber, level) = subscriber(level, lines.clone())?;
    subscriber.try_init()?;
    // Panics are log lines too, not bare text on standard error.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
    Ok(Log { level, lines })
}
