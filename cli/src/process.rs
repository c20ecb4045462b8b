//! Programs that end together with everything they started.

use std::{
    collections::VecDeque,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

const MAX_KEPT_LINES: usize = 400;
const POLL: Duration = Duration::from_millis(20);

type Lines = Arc<Mutex<VecDeque<String>>>;

/// A running program in a process group of its own. Dropping it ends the group: SIGTERM, then SIGKILL after
/// [`Program::GRACE_PERIOD`].
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    group: Pid,
    lines: Lines,
    readers: JoinSet<()>,
}

impl Program {
    /// How long a program may take to end after SIGTERM.
    pub const GRACE_PERIOD: Duration = Duration::from_secs(20);

    /// Starts a program; `on_line` gets each line it writes to standard output or error.
    pub fn start(mut command: Command, on_line: impl Fn(&str) + Clone + Send + 'static) -> Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = Self::spawn(command)?;
        if let Some(stdout) = program.child.stdout.take() {
            program.readers.spawn(read(stdout, Arc::clone(&program.lines), on_line.clone()));
        }
        if let Some(stderr) = program.child.stderr.take() {
            program.readers.spawn(read(stderr, Arc::clone(&program.lines), on_line));
        }
        Ok(program)
    }

    /// Runs a program that writes to our terminal, and fails unless it succeeds.
    pub async fn run(command: Command) -> Result<()> {
        let mut program = Self::spawn(command)?;
        let status = program.wait().await?;
        ensure!(status.success(), "{} failed ({status})", program.name);
        Ok(())
    }

    /// Runs a program that writes to our terminal, and returns its exit status.
    pub async fn status(command: Command) -> Result<ExitStatus> {
        Self::spawn(command)?.wait().await
    }

    fn spawn(mut command: Command) -> Result<Self> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
        let child = child.with_context(|| format!("cannot run {name}"))?;
        let group = Pid::from_raw(child.id().context("a program just started has an id")?.try_into()?);
        Ok(Self { name, child, group, lines: Lines::default(), readers: JoinSet::new() })
    }

    /// The id of the process, which is also that of its group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.group.as_raw().unsigned_abs()
    }

    /// Waits until the program has ended and all its output was read.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().await?;
        let rest = async { while self.readers.join_next().await.is_some() {} };
        // A grandchild may hold the pipe open; this process does not wait for it.
        let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
        Ok(status)
    }

    /// The exit status, if the program has ended.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The last `count` lines written.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> String {
        let lines = lock(&self.lines);
        let start = lines.len().saturating_sub(count);
        lines.iter().skip(start).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// The first value `find` gives for a line, waiting for lines to come.
    pub async fn line<T>(&mut self, what: &str, limit: Duration, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let end = Instant::now() + limit;
        loop {
            let ended = self.child.try_wait()?;
            if ended.is_some() {
                // The pipe may still hold its last lines.
                self.wait().await?;
            }
            if let Some(found) = lock(&self.lines).iter().find_map(|line| find(line)) {
                return Ok(found);
            }
            if let Some(status) = ended {
                bail!("{} ended before {what} ({status}):\n{}", self.name, self.last_lines(20));
            }
            if Instant::now() > end {
                bail!("{} gave no {what} within {limit:?}:\n{}", self.name, self.last_lines(20));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the program and all it started, and waits until they are gone.
    pub async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let limit = Instant::now() + Self::GRACE_PERIOD;
        while self.is_alive() && Instant::now() < limit {
            tokio::time::sleep(POLL).await;
        }
        // Dropping kills what is left.
    }

    fn signal(&self, signal: Signal) {
        // The group may be gone already.
        let _ = killpg(self.group, signal);
    }

    /// Whether any process of the group is left.
    fn is_alive(&mut self) -> bool {
        // Reaps the leader: an ended but unreaped process counts as a member.
        let _ = self.child.try_wait();
        killpg(self.group, None) != Err(Errno::ESRCH)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.is_alive() {
            return;
        }
        self.signal(Signal::SIGTERM);
        let limit = Instant::now() + Self::GRACE_PERIOD;
        while self.is_alive() {
            if Instant::now() > limit {
                self.signal(Signal::SIGKILL);
            }
            std::thread::sleep(POLL);
        }
    }
}

async fn read(stream: impl AsyncRead + Unpin, lines: Lines, on_line: impl Fn(&str)) {
    let mut reader = BufReader::new(stream);
    let mut buffer = Vec::new();
    while matches!(reader.read_until(b'\n', &mut buffer).await, Ok(1..)) {
        let line = String::from_utf8_lossy(&buffer).trim_end().to_owned();
        buffer.clear();
        on_line(&line);
        let mut lines = lock(&lines);
        if lines.len() == MAX_KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Completes when the user or the system asks this program to end.
pub async fn interrupted() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
