//! Programs and everything they started.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{process::Command as StdCommand, time::Duration};

use todo::process::Program;
use tokio::process::Command;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn exists(pid: &str) -> bool {
    let output = StdCommand::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

const LIMIT: Duration = Duration::from_secs(20);

/// A program whose child and grandchild say their ids and then wait.
async fn family() -> (Program, Vec<String>) {
    let script = "echo id $$; sh -c 'echo id $$; sleep 1000 & echo id $!; wait' & wait";
    let mut program = Program::start(shell(script), |_| {}).unwrap();
    let ids = program
        .line("three ids", LIMIT, {
            let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
            move |line| {
                seen.borrow_mut().insert(line.strip_prefix("id ")?.to_owned());
                let seen = seen.borrow();
                (seen.len() == 3).then(|| seen.iter().cloned().collect::<Vec<_>>())
            }
        })
        .await
        .unwrap();
    assert!(ids.iter().all(|id| exists(id)));
    (program, ids)
}

#[tokio::test]
async fn stopping_ends_grandchildren_too() {
    let (program, ids) = family().await;
    program.stop().await;
    assert!(!ids.iter().any(|id| exists(id)));
}

#[tokio::test]
async fn dropping_ends_grandchildren_too() {
    let (program, ids) = family().await;
    drop(program);
    assert!(!ids.iter().any(|id| exists(id)));
}

#[tokio::test]
async fn a_program_that_ends_too_early_is_reported_with_its_last_lines() {
    let mut program = Program::start(shell("echo the reason >&2; exit 3"), |_| {}).unwrap();
    let error = program.line("address", LIMIT, |_| None::<()>).await.unwrap_err().to_string();
    assert!(error.contains("the reason") && error.contains('3'), "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let error = Program::start(Command::new("no-such-program"), |_| {}).unwrap_err().to_string();
    assert!(error.contains("no-such-program"), "{error}");
}
