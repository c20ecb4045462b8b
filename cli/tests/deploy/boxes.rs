//! Going on in the box, with scripts in the place of those in `e2e/box`.

use std::{fs, path::PathBuf};

use crate::fakes::Machine;

/// A checkout whose box has what the machine has. It is up once `up` was called.
fn checkout(machine: &Machine) -> PathBuf {
    let checkout = machine.path("checkout");
    for directory in ["backend", "frontend", "e2e/box"] {
        fs::create_dir_all(checkout.join(directory)).unwrap();
    }
    fs::write(checkout.join("backend/Cargo.toml"), "").unwrap();
    let link =
        |name: &str| std::os::unix::fs::symlink(machine.path("bin").join(name), checkout.join("e2e/box").join(name));
    machine.program("up", r#": >"$here/box-$BOX_NAME""#);
    machine.program("in", r#"[ -e "$here/box-$BOX_NAME" ] || exit 1; PATH="$here/inside:/usr/bin:/bin"; exec "$@""#);
    for name in ["up", "in"] {
        link(name).unwrap();
    }
    checkout
}

fn can_run_a_box() -> bool {
    cfg!(target_os = "linux") && nix::unistd::Uid::effective().is_root()
}

#[test]
fn deploy_goes_on_in_the_box_with_its_option() {
    let machine = Machine::bare();
    let checkout = checkout(&machine);
    if !can_run_a_box() {
        machine.todo_in(&checkout, &["deploy", "--box"]).failed().prints(&["the box needs"]);
        return;
    }
    // Inside there is a Docker that does not build, so that the end is soon.
    fs::create_dir(machine.path("inside")).unwrap();
    for (name, script) in [
        ("docker", "[ $1 = version ] && exit\necho 'built in the box' >&2; exit 1"),
        ("minikube", "case \"$*\" in *' image ls '*) echo '[]' ;; esac"),
        ("helm", "echo 'Error: release: not found' >&2; exit 1"),
    ] {
        machine.program(name, script);
        fs::rename(machine.path("bin").join(name), machine.path("inside").join(name)).unwrap();
    }
    let run = machine.todo_in(&checkout, &["deploy", "--box", "--no-forward"]).failed();
    run.prints(&["bringing up the box", "built in the box"]);
    assert_eq!(machine.calls_of("up").len(), 1);

    // It runs now, and this machine has no Docker: no need to say it again.
    machine.todo_in(&checkout, &["deploy", "--no-forward"]).failed().prints(&["built in the box"]);
    assert_eq!(machine.calls_of("up").len(), 1);
}
