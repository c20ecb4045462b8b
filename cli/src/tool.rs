//! Programs that are run for their output.

use std::{path::PathBuf, process::Output};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use tokio::process::Command;

#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// A command that is killed when its future is dropped.
#[must_use]
pub fn command<S: AsRef<std::ffi::OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).kill_on_drop(true);
    command
}

/// The command line, as a user would type it.
#[must_use]
pub fn command_line(command: &Command) -> String {
    let command = command.as_std();
    let program = std::path::Path::new(command.get_program());
    let words = std::iter::once(program.file_name().unwrap_or(program.as_os_str())).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs a program to its end, and returns what it wrote and its exit status.
pub async fn output(mut command: Command) -> Result<Output> {
    command.stdin(std::process::Stdio::null());
    command.output().await.with_context(|| format!("cannot run {}", command.as_std().get_program().to_string_lossy()))
}

/// The standard output of a program that has to succeed. The error holds what it wrote to standard error.
pub async fn text(command: Command) -> Result<String> {
    let name = command_line(&command);
    let output = output(command).await?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = if stderr.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { stderr };
        bail!("`{name}` failed ({}):\n{}", output.status, reason.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The JSON that a program prints.
pub async fn json<T: DeserializeOwned>(command: Command) -> Result<T> {
    let name = command_line(&command);
    let text = text(command).await?;
    serde_json::from_str(&text).with_context(|| format!("`{name}` printed what is not understood"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        command("sh", ["-c", script])
    }

    #[tokio::test]
    async fn a_failure_holds_what_the_program_printed() {
        let error = text(shell("echo progress; echo the reason >&2; exit 3")).await.unwrap_err().to_string();
        assert!(error.contains("the reason") && error.contains('3') && !error.contains("progress\n"), "{error}");
        let error = text(shell("echo only here; exit 3")).await.unwrap_err().to_string();
        assert!(error.contains("only here"), "{error}");
    }

    #[tokio::test]
    async fn json_is_read_and_its_absence_named() {
        assert_eq!(json::<Vec<u8>>(shell("echo '[1, 2]'")).await.unwrap(), [1, 2]);
        let error = format!("{:#}", json::<Vec<u8>>(shell("echo nothing")).await.unwrap_err());
        assert!(error.contains("sh -c echo nothing"), "{error}");
    }
}
