//! Tests of `cargo xtask box`, with other scripts than those in `e2e/box`.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

/// The scripts, for which a box runs while a file with its name exists in the checkout.
const SCRIPTS: [(&str, &str); 3] = [
    ("up", r#": >"box-$BOX_NAME""#),
    ("down", r#"rm "box-$BOX_NAME""#),
    ("in", r#"[ -e "box-$BOX_NAME" ] || exit 1; exec "$@""#),
];

fn make_checkout(root: &Path) {
    for directory in ["backend", "frontend", "e2e/box"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::write(root.join("backend/Cargo.toml"), "").unwrap();
    for (name, script) in SCRIPTS {
        let path = root.join("e2e/box").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn can_run_a_box() -> bool {
    cfg!(target_os = "linux") && nix::unistd::Uid::effective().is_root()
}

#[test]
fn a_box_is_started_used_and_stopped_by_name() {
    let checkout = tempfile::tempdir().unwrap();
    make_checkout(checkout.path());
    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("box").args(arguments).env_remove("BOX_NAME").current_dir(checkout.path());
        command.output().unwrap()
    };
    let text = |output: &Output| {
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
    };
    if !can_run_a_box() {
        let refused = run(&["up"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused).contains("the box needs"), "{}", text(&refused));
        return;
    }
    let status = run(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    for part in ["no box `box` runs", "cargo xtask box up"] {
        assert!(text(&status).contains(part), "{}", text(&status));
    }
    assert!(run(&["up", "--name", "other"]).status.success());
    assert_eq!(run(&["status"]).status.code(), Some(1));
    assert_eq!(run(&["--name", "other", "in", "sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(text(&run(&["--name", "other", "in", "sh", "-c", "echo $BOX_NAME"])), "other\n");
    assert!(run(&["down", "--name", "other"]).status.success());
    assert_eq!(run(&["status", "--name", "other"]).status.code(), Some(1));
}
