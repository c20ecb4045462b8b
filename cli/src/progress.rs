//! Progress of work: on a terminal each task has a line that changes in place; elsewhere only lines that last are
//! printed.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::process::Command;

use crate::{output::note, process::Program, tool};

/// How many lines of a failed program are in the error.
const MAX_ERROR_LINES: usize = 40;

/// The lines of one run. Clones share them.
#[derive(Clone, Debug)]
pub struct Progress {
    lines: MultiProgress,
    verbose: bool,
}

impl Progress {
    #[must_use]
    pub fn new(verbose: bool) -> Self {
        Self { lines: MultiProgress::new(), verbose }
    }

    /// Prints a line that lasts.
    pub fn println(&self, line: &str) {
        self.lines.suspend(|| note(line));
    }

    /// Starts a task with a line of its own.
    #[must_use]
    pub fn start(&self, what: &str) -> Task {
        let style = ProgressStyle::with_template("{prefix:>15} {spinner} {wide_msg}");
        let bar = ProgressBar::new_spinner().with_prefix(what.to_owned());
        let bar = self.lines.add(style.map_or(bar.clone(), |style| bar.with_style(style)));
        bar.enable_steady_tick(Duration::from_millis(100));
        Task { progress: self.clone(), bar, what: what.to_owned() }
    }

    /// Runs a program on a line of its own; when it fails, the end of what it wrote is in the error.
    pub async fn run(&self, what: &str, command: Command) -> Result<()> {
        let name = tool::command_line(&command);
        let task = Arc::new(self.start(what));
        let mut program = Program::start(command, move |text| task.set_message(text))?;
        let status = program.wait().await?;
        ensure!(status.success(), "`{name}` failed ({status}):\n{}", program.last_lines(MAX_ERROR_LINES));
        Ok(())
    }
}

/// The line of one task. It is removed when the value is dropped.
#[derive(Debug)]
pub struct Task {
    progress: Progress,
    bar: ProgressBar,
    what: String,
}

impl Task {
    /// Replaces the text of the line.
    pub fn set_message(&self, text: &str) {
        if self.progress.verbose {
            self.progress.println(&format!("{}: {text}", self.what));
        } else {
            self.bar.set_message(text.trim().to_owned());
        }
    }

    /// Replaces the text of the line; where nothing changes in place, prints a line that lasts.
    pub fn step(&self, text: &str) {
        if self.progress.verbose || !std::io::stderr().is_terminal() {
            self.progress.println(text);
        } else {
            self.bar.set_message(text.to_owned());
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.progress.lines.remove(&self.bar);
    }
}
