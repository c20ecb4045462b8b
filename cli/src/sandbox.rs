//! `cargo todo box`: a computer with Docker and Minikube in namespaces, for a machine that has neither. The scripts
//! are in `e2e/box`.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    process::{Command as StdCommand, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use nix::unistd::Uid;
use tokio::process::Command as TokioCommand;

use crate::{
    cluster::{Choice, Target},
    output::note,
    process::Program,
    tool,
    workspace::Workspace,
};

/// As in `e2e/box/settings`.
const DEFAULT_NAME: &str = "box";
const DEFAULT_PORTS: &str = "3000 8000 8080";

/// Set for the program that [`enter`] runs.
const INSIDE: &str = "TODO_IN_BOX";

/// Run a throwaway computer with Docker and Minikube (Linux, as root)
#[derive(Args, Clone, Debug)]
pub struct Box {
    #[command(subcommand)]
    command: Command,
    /// Which box, of those that run side by side
    #[arg(long, global = true, env = "BOX_NAME", default_value = DEFAULT_NAME)]
    name: String,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Bring it up, with a cluster in it
    Up,
    /// End it and all that is in it; what was built stays
    Down,
    /// Tell whether it and its cluster run; the exit code is Minikube's
    Status,
    /// Run a command in it
    In {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

pub fn run(options: &Box) -> Result<()> {
    let workspace = Workspace::find()?;
    possible().map_err(anyhow::Error::msg)?;
    let mut script = match &options.command {
        Command::Up => script(&workspace, "up"),
        Command::Down => script(&workspace, "down"),
        Command::Status => {
            let mut probe = script(&workspace, "in");
            probe.arg("true").env("BOX_NAME", &options.name).stderr(Stdio::null());
            if !probe.status()?.success() {
                bail!("no box `{}` runs: `cargo todo box up` brings it up", options.name);
            }
            note(&format!("the box `{}` runs", options.name));
            let mut status = script(&workspace, "in");
            status.args(["minikube", "status"]);
            status
        }
        Command::In { command } => {
            let mut inside = script(&workspace, "in");
            inside.args(command);
            inside
        }
    };
    script.env("BOX_NAME", &options.name);
    // In our place: terminal, signals and exit code are the script's.
    Err(script.exec()).context("cannot run the scripts in e2e/box")
}

fn script(workspace: &Workspace, name: &str) -> StdCommand {
    StdCommand::new(workspace.path("e2e/box").join(name))
}

/// Whether this machine can run a box, or why not.
pub fn possible() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("the box needs Linux: install Docker and Minikube instead".into());
    }
    if !Uid::effective().is_root() {
        return Err("the box needs root: call this as root, or install Docker and Minikube instead".into());
    }
    Ok(())
}

#[must_use]
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// A command of ours as the user has to type it.
#[must_use]
pub fn shown(command: &str) -> String {
    if !inside() {
        return command.to_owned();
    }
    match std::env::var("BOX_NAME") {
        Ok(name) if name != DEFAULT_NAME => format!("cargo todo box --name {name} in {command}"),
        _ => format!("cargo todo box in {command}"),
    }
}

/// The port of the user's 127.0.0.1 that leads to this one of ours, if there is one.
#[must_use]
pub fn outer_port(port: u16) -> Option<u16> {
    if !inside() {
        return Some(port);
    }
    let ports = std::env::var("BOX_PORTS").unwrap_or_else(|_| DEFAULT_PORTS.into());
    led_out(&ports, port)
}

/// `ports` are words: a port that is the same on both sides, or `OUTER:INNER`.
fn led_out(ports: &str, port: u16) -> Option<u16> {
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
    possible().is_ok() && probe.status().is_ok_and(|status| status.success())
}

/// Brings the box up, on our terminal, unless it and its cluster run.
pub async fn up(workspace: &Workspace) -> Result<()> {
    possible().map_err(anyhow::Error::msg)?;
    let mut probe: TokioCommand = script(workspace, "in").into();
    probe.args(["minikube", "status"]);
    if tool::output(probe).await?.status.success() {
        return Ok(());
    }
    note("bringing up the box: a computer with Docker and Minikube, in namespaces of this one");
    Program::run(script(workspace, "up").into()).await.context("the box does not come up")
}

/// Goes on in the box when that is asked for, or when it runs and this machine has no Minikube of its own.
pub fn enter_where_it_runs(workspace: &Workspace, target: &Target) -> Result<()> {
    if inside() {
        return Ok(());
    }
    let only_there = target.cluster == Choice::Minikube && tool::on_path("minikube").is_none();
    if !target.sandbox && !only_there {
        return Ok(());
    }
    if is_up(workspace) {
        return enter(workspace);
    }
    ensure!(!target.sandbox, "no box runs: `cargo todo box up` brings it up");
    Ok(())
}

/// Goes on in the box with this very command; returns only when that is not possible.
pub fn enter(workspace: &Workspace) -> Result<()> {
    ensure!(!inside(), "this is the box already");
    let name = std::env::var("BOX_NAME").unwrap_or_else(|_| DEFAULT_NAME.into());
    let mut command = script(workspace, "in");
    command
        .arg("env")
        .arg(format!("{INSIDE}=1"))
        // Process ids and ports in there are others than here.
        .arg(format!("TODO_STATE_DIR={}", workspace.state(&format!("boxes/{name}"))?.display()))
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1));
    Err(command.exec()).context("cannot run e2e/box/in")
}

#[cfg(test)]
mod tests {
    use super::led_out;

    #[test]
    fn ports_lead_out_under_their_own_number_or_another() {
        assert_eq!(led_out("3000 13080:8080", 3000), Some(3000));
        assert_eq!(led_out("3000 13080:8080", 8080), Some(13080));
        assert_eq!(led_out("3000 13080:8080", 13080), None);
        assert_eq!(led_out("", 3000), None);
    }
}
