//! Programs that are run to their end.

use std::{
    ffi::OsStr,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// How long a program may take, also on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(15);

#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output, then standard error.
    pub fn combined(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

pub fn command<I: IntoIterator<Item: AsRef<OsStr>>>(program: &str, arguments: I) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a program that may fail.
pub async fn run(mut command: Command) -> Result<Output> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(TIMEOUT, output).await.with_context(|| format!("{name} took {TIMEOUT:?}"))?;
    let output = output.with_context(|| format!("cannot run {name}"))?;
    Ok(Output {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a program that has to succeed, and gives its standard output.
pub async fn stdout(command: Command) -> Result<String> {
    let words: Vec<_> = std::iter::once(command.as_std().get_program()).chain(command.as_std().get_args()).collect();
    let shown = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let output = run(command).await?;
    if !output.status.success() {
        bail!("`{shown}` failed ({}):\n{}", output.status, output.combined().trim());
    }
    Ok(output.stdout)
}
