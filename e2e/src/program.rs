//! Programs that are run to their end.

use std::{
    ffi::OsStr,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// No program takes as long, even on a busy machine.
const LIMIT: Duration = Duration::from_mins(15);

#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Finished {
    /// Everything it wrote.
    pub fn all(&self) -> String {
        format!("{}{}", self.output, self.errors)
    }
}

pub fn command<I: IntoIterator<Item: AsRef<OsStr>>>(program: &str, arguments: I) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a program that may fail.
pub async fn finish(mut command: Command) -> Result<Finished> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(LIMIT, output).await.with_context(|| format!("{name} took {LIMIT:?}"))?;
    let output = output.with_context(|| format!("cannot run {name}"))?;
    Ok(Finished {
        status: output.status,
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a program that has to succeed, and gives its standard output.
pub async fn succeed(command: Command) -> Result<String> {
    let words: Vec<_> = std::iter::once(command.as_std().get_program()).chain(command.as_std().get_args()).collect();
    let shown = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let finished = finish(command).await?;
    if !finished.status.success() {
        bail!("`{shown}` failed ({}):\n{}", finished.status, finished.all().trim());
    }
    Ok(finished.output)
}
