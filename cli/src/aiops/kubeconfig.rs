//! `cargo todo ai-kubeconfig`: a kubeconfig for assistants, which may look and change nothing.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::Args;

use super::access::{self, Lifetime, NAME};
use crate::{boxes, cluster::Target, kubernetes::KubeContext, output::note, secret, workspace::Workspace};

/// Write a kubeconfig that may look at the namespace, except at its Secrets, and change nothing
#[derive(Args, Clone, Debug)]
pub struct AiKubeconfig {
    #[command(flatten)]
    target: Target,
    /// Where to write it; in the checkout's `.todo`, or the user's state directory, unless given
    #[arg(long)]
    file: Option<PathBuf>,
    /// How long it is valid, in minutes, hours or days
    #[arg(long, default_value = "24h", value_name = "10m|24h|7d")]
    valid_for: Lifetime,
}

pub async fn run(options: AiKubeconfig) -> Result<()> {
    let workspace = Workspace::find_or_state()?;
    boxes::enter_if_running(&workspace, &options.target)?;
    let cluster = options.target.cluster();
    let context = options.target.kube_context(&cluster)?;
    let file = options.file.map_or_else(|| default_file(&workspace, &context), Ok)?;
    refuse_other_file(&file)?;
    cluster.ensure_running().await?;
    let config = access::grant(&context.connect().await?, options.valid_for).await?;
    secret::write(&file, &config.text)?;
    let (namespace, file) = (&context.namespace, file.display());
    note(&format!(
        "{NAME} may look at namespace {namespace}, and change nothing, until {}: {file}",
        config.valid_until
    ));
    note(&format!("try `{}`", boxes::command_line(&format!("kubectl --kubeconfig {file} get pods"))));
    note(&format!("ask with it: `{}`", boxes::command_line(&format!("kubectl-ai --kubeconfig {file}"))));
    note("`cargo todo down` takes the rights away, the same command renews them");
    Ok(())
}

/// Removes the file in its usual place.
pub fn remove_kubeconfig(workspace: &Workspace, context: &KubeContext) -> Result<()> {
    match std::fs::remove_file(default_file(workspace, context)?) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn default_file(workspace: &Workspace, context: &KubeContext) -> Result<PathBuf> {
    workspace.state(&format!("{}/ai-kubeconfig", context.directory()))
}

/// A mistyped path must not overwrite the user's own kubeconfig.
fn refuse_other_file(file: &Path) -> Result<()> {
    match std::fs::read_to_string(file) {
        Ok(text) if access::is_ours(&text) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // A file that cannot be read may be one of the user's as well.
        _ => bail!("{} is not a file that this command has made: name another with --file", file.display()),
    }
}
