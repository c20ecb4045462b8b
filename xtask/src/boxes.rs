//! `cargo xtask box` runs the scripts in `e2e/box`. [`todo::boxes`] has the part of `cargo todo`.

use std::{ffi::OsString, os::unix::process::CommandExt, process::Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use todo::{
    boxes::{DEFAULT_NAME, possible, script},
    output::note,
    workspace::Workspace,
};

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
    possible(&workspace).map_err(anyhow::Error::msg)?;
    let mut script = match &options.command {
        Command::Up => script(&workspace, "up"),
        Command::Down => script(&workspace, "down"),
        Command::Status => {
            let mut probe = script(&workspace, "in");
            probe.arg("true").env("BOX_NAME", &options.name).stderr(Stdio::null());
            if !probe.status()?.success() {
                bail!("no box `{}` runs: `cargo xtask box up` starts it", options.name);
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
    // The script replaces this process, so that it has the terminal, the signals and the exit code.
    Err(script.exec()).context("cannot run the scripts in e2e/box")
}
