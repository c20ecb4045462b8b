//! The box: a computer with Docker and Minikube in namespaces, for a machine that has neither. Its scripts and its
//! README are in `e2e/box`; `cargo xtask box` runs them by name. Here is what `cargo todo` does with a box: it goes on
//! in one.
//!
//! The module has the plural because `box` is a word of Rust.

use std::{
    os::unix::process::CommandExt,
    process::{Command as StdCommand, Stdio},
};

use anyhow::{Context, Result, ensure};
use nix::unistd::Uid;
use tokio::process::Command as TokioCommand;

use crate::{
    cluster::{ClusterChoice, Target},
    output::note,
    process::Program,
    tool,
    workspace::Workspace,
};

/// The defaults of `e2e/box/settings`.
pub const DEFAULT_NAME: &str = "box";
const DEFAULT_PORTS: &str = "3000 8000 8080";

/// The variable that is set for the program that [`enter`] runs.
const INSIDE: &str = "TODO_IN_BOX";

/// One of the scripts in `e2e/box`.
#[must_use]
pub fn script(workspace: &Workspace, name: &str) -> StdCommand {
    StdCommand::new(workspace.path("e2e/box").join(name))
}

/// Whether a box can run here, or why not.
pub fn possible(workspace: &Workspace) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("the box needs Linux: install Docker and Minikube instead".into());
    }
    if !Uid::effective().is_root() {
        return Err("the box needs root: call this as root, or install Docker and Minikube instead".into());
    }
    if !workspace.is_checkout() {
        return Err("the box needs a checkout of the repository: install Docker and Minikube instead".into());
    }
    Ok(())
}

#[must_use]
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// A command as the user has to type it, who may be outside of the box.
#[must_use]
pub fn command_line(command: &str) -> String {
    if !inside() {
        return command.to_owned();
    }
    match std::env::var("BOX_NAME") {
        Ok(name) if name != DEFAULT_NAME => format!("cargo xtask box --name {name} in {command}"),
        _ => format!("cargo xtask box in {command}"),
    }
}

/// The port of the user's 127.0.0.1 that is forwarded to this port, if there is one. Outside of a box it is the same.
#[must_use]
pub fn outer_port(port: u16) -> Option<u16> {
    if !inside() {
        return Some(port);
    }
    let ports = std::env::var("BOX_PORTS").unwrap_or_else(|_| DEFAULT_PORTS.into());
    mapped_port(&ports, port)
}

/// `ports` are words: a port that is the same on both sides, or `OUTER:INNER`.
fn mapped_port(ports: &str, port: u16) -> Option<u16> {
    ports.split_whitespace().find_map(|word| {
        let (outer, inner) = word.split_once(':').unwrap_or((word, word));
        (inner.parse() == Ok(port)).then(|| outer.parse().ok())?
    })
}

/// Whether a box runs.
#[must_use]
pub fn is_up(workspace: &Workspace) -> bool {
    let mut probe = script(workspace, "in");
    probe.arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    possible(workspace).is_ok() && probe.status().is_ok_and(|status| status.success())
}

/// Starts the box unless it and its cluster run. What its scripts print goes to our terminal.
pub async fn up(workspace: &Workspace) -> Result<()> {
    possible(workspace).map_err(anyhow::Error::msg)?;
    let mut probe: TokioCommand = script(workspace, "in").into();
    probe.args(["minikube", "status"]);
    if tool::output(probe).await?.status.success() {
        return Ok(());
    }
    note("bringing up the box: a computer with Docker and Minikube, in namespaces of this one");
    Program::run(script(workspace, "up").into()).await.context("the box does not come up")
}

/// Continues in the box if the user asks for that, or if a box runs and this machine has no Minikube of its own.
pub fn enter_if_running(workspace: &Workspace, target: &Target) -> Result<()> {
    if inside() {
        return Ok(());
    }
    let only_there = target.cluster == ClusterChoice::Minikube && tool::on_path("minikube").is_none();
    if !target.in_box && !only_there {
        return Ok(());
    }
    if is_up(workspace) {
        return enter(workspace);
    }
    ensure!(!target.in_box, "no box runs: `cargo xtask box up` brings it up");
    Ok(())
}

/// Replaces this process by the same command in the box. It returns only when that is not possible.
pub fn enter(workspace: &Workspace) -> Result<()> {
    ensure!(!inside(), "this is the box already");
    let name = std::env::var("BOX_NAME").unwrap_or_else(|_| DEFAULT_NAME.into());
    let mut command = script(workspace, "in");
    command
        .arg("env")
        .arg(format!("{INSIDE}=1"))
        // The box has process ids and ports of its own, so it needs a state of its own.
        .arg(format!("TODO_STATE_DIR={}", workspace.state(&format!("boxes/{name}"))?.display()))
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1));
    Err(command.exec()).context("cannot run e2e/box/in")
}

#[cfg(test)]
mod tests {
    use super::mapped_port;

    #[test]
    fn ports_are_mapped_to_their_own_number_or_another() {
        assert_eq!(mapped_port("3000 13080:8080", 3000), Some(3000));
        assert_eq!(mapped_port("3000 13080:8080", 8080), Some(13080));
        assert_eq!(mapped_port("3000 13080:8080", 13080), None);
        assert_eq!(mapped_port("", 3000), None);
    }
}
