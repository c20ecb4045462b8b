//! Work in progress: on a terminal a line for each piece of it that changes in place, elsewhere nothing but what lasts.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::process::Command;

use crate::{output::note, process::Program, tool};

/// Of a program that failed.
const LAST_LINES: usize = 40;

/// All lines of one run. Clones share them.
#[derive(Clone, Debug)]
pub struct Live {
    lines: MultiProgress,
    verbose: bool,
}

impl Live {
    #[must_use]
    pub fn new(verbose: bool) -> Self {
        Self { lines: MultiProgress::new(), verbose }
    }

    /// A line that lasts.
    pub fn say(&self, line: &str) {
        self.lines.suspend(|| note(line));
    }

    /// A line for work that begins.
    #[must_use]
    pub fn begin(&self, what: &str) -> Task {
        // Without a terminal nothing is drawn.
        let style = ProgressStyle::with_template("{prefix:>15} {spinner} {wide_msg}");
        let bar = ProgressBar::new_spinner().with_prefix(what.to_owned());
        let bar = self.lines.add(style.map_or(bar.clone(), |style| bar.with_style(style)));
        bar.enable_steady_tick(Duration::from_millis(100));
        Task { live: self.clone(), bar, what: what.to_owned() }
    }

    /// Runs a program on a line of its own; when it fails, the end of what it wrote is in the error.
    pub async fn run(&self, what: &str, command: Command) -> Result<()> {
        let name = tool::shown(&command);
        let task = Arc::new(self.begin(what));
        let mut program = Program::start(command, move |text| task.now(text))?;
        let status = program.wait().await?;
        ensure!(status.success(), "`{name}` failed ({status}):\n{}", program.last_lines(LAST_LINES));
        Ok(())
    }
}

/// The line of one piece of work; gone when dropped.
#[derive(Debug)]
pub struct Task {
    live: Live,
    bar: ProgressBar,
    what: String,
}

impl Task {
    /// What happens now.
    pub fn now(&self, text: &str) {
        if self.live.verbose {
            self.live.say(&format!("{}: {text}", self.what));
        } else {
            self.bar.set_message(text.trim().to_owned());
        }
    }

    /// A step that is worth a line of its own where nothing changes in place.
    pub fn step(&self, text: &str) {
        if self.live.verbose || !std::io::stderr().is_terminal() {
            self.live.say(text);
        } else {
            self.bar.set_message(text.to_owned());
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.live.lines.remove(&self.bar);
    }
}
