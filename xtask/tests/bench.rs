//! Tests of `cargo xtask bench`. None of them checks a time.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{
    path::Path,
    process::{Command, Output},
};

fn bench(arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("bench").args(arguments).env("TODO_STATE_DIR", state.path());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn it_lists_the_rows() {
    let output = bench(&["--list"]);
    assert!(output.status.success());
    for row in ["list", "create", "growth", "events"] {
        assert!(text(&output).lines().any(|line| line.split_whitespace().next() == Some(row)), "{row}");
    }
}

#[test]
fn an_unknown_row_is_an_error() {
    let output = bench(&["--row", "nonsense"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("there is no row `nonsense`"), "{}", text(&output));
}

/// The row needs the least. The backend is that of its own tests, which are compiled together with these.
#[test]
#[cfg(target_os = "linux")]
fn a_row_is_measured() {
    let backend = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("todo-backend");
    let output = bench(&["--quick", "--row", "health", "--backend", backend.to_str().unwrap()]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    let row = text.lines().find(|line| line.starts_with("`GET /health`")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains(" + "), "{row}");
}
