//! Tests of `cargo xtask test`.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::process::{Command, Output};

use tempfile::TempDir;

fn test(state: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("test").args(arguments).env("TODO_STATE_DIR", state.path()).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn it_lists_the_steps() {
    let state = tempfile::tempdir().unwrap();
    let output = test(&state, &["--list"]);
    assert!(output.status.success());
    for step in ["rustfmt", "backend", "frontend", "e2e"] {
        assert!(stdout(&output).lines().any(|line| line.split_whitespace().next() == Some(step)), "{step}");
    }
}

#[test]
fn a_step_prints_its_counts_and_writes_its_log() {
    let state = tempfile::tempdir().unwrap();
    let output = test(&state, &["rustfmt"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.lines().last(), Some("1 passed, 0 failed, 0 skipped"));
    let log = std::fs::read_to_string(state.path().join("test/logs/rustfmt.log")).unwrap();
    assert!(log.contains("$ cargo fmt"), "{log}");
}

#[test]
fn an_unknown_step_is_an_error() {
    let state = tempfile::tempdir().unwrap();
    let output = test(&state, &["nonsense"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no step `nonsense`"));
}
