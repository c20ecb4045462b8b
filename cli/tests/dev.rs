//! What `cargo todo dev` says when it cannot start. That it starts is the test step `dev`.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use tempfile::TempDir;

fn dev(state: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo"));
    command.arg("dev").args(arguments).env("TODO_STATE_DIR", state.path()).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn single_error_line(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_port_in_use_is_named() {
    let state = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let arguments = [&format!("--port={port}"), "--backend-port=0", "--metrics-port=0", "--frontend-metrics-port=0"];
    let text = single_error_line(&dev(&state, &arguments).output().unwrap());
    assert!(text.contains(&format!("port {port} is in use")) && text.contains("--port"), "{text}");
}

#[test]
fn a_missing_and_an_old_node_are_named() {
    let state = tempfile::tempdir().unwrap();
    let ports = ["--port=0", "--backend-port=0", "--metrics-port=0", "--frontend-metrics-port=0"];
    let programs = tempfile::tempdir().unwrap();
    let run = || single_error_line(&dev(&state, &ports).env("PATH", programs.path()).output().unwrap());

    let text = run();
    assert!(text.contains("Node.js is missing") && text.contains("nodejs.org"), "{text}");

    let node = programs.path().join("node");
    std::fs::write(&node, "#!/bin/sh\necho v16.20.2\n").unwrap();
    std::fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let text = run();
    assert!(text.contains("16.20.2 is too old") && text.contains("nodejs.org"), "{text}");
}

#[test]
fn a_second_one_names_the_first() {
    let state = tempfile::tempdir().unwrap();
    let lock = std::fs::File::create(state.path().join("dev.lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(state.path().join("dev.lock"), "12345").unwrap();
    let text = single_error_line(&dev(&state, &[]).output().unwrap());
    assert!(text.contains("already runs in this checkout") && text.contains("12345"), "{text}");
}
