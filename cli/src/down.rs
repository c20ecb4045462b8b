//! `cargo todo down`: ends the release. Data goes only when asked for.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    aiops, boxes,
    cluster::Target,
    deploy::known_good,
    forward,
    helm::{Helm, RELEASE},
    kubectl::Kubectl,
    output::note,
    workspace::Workspace,
};

/// Remove the release; its data stays, unless --purge
#[derive(Args, Clone, Debug)]
pub struct Down {
    #[command(flatten)]
    target: Target,
    /// Remove the data too: volumes, the Secret with its keys, and the namespace if `deploy` made it
    #[arg(long)]
    purge: bool,
    /// Do not ask before data is removed
    #[arg(long, requires = "purge")]
    yes: bool,
}

pub async fn run(options: Down) -> Result<()> {
    let workspace = Workspace::find_or_state()?;
    boxes::enter_where_it_runs(&workspace, &options.target)?;
    let cluster = options.target.cluster();
    let kubectl = options.target.kubectl(&cluster).await?;
    // This is checked before anything is removed.
    if options.purge && !options.yes && !std::io::stdin().is_terminal() {
        bail!("--purge removes data and there is no terminal to ask: add --yes if it is meant");
    }
    cluster.need().await?;
    let helm = Helm::new(&kubectl);
    let (release, data, made) = tokio::try_join!(helm.release(), data(&kubectl), kubectl.made_namespace())?;
    if options.purge && !options.yes && !confirmed(&kubectl, &data, made)? {
        bail!("nothing was removed");
    }

    for service in forward::SERVICES {
        if let Some(stopped) = forward::stop(&workspace, &kubectl, service).await? {
            note(&format!("{} is no longer forwarded", stopped.url()));
        }
    }
    match release {
        Some(_) => {
            helm.uninstall().await?;
            known_good::forget(&workspace, &kubectl)?;
            note(&format!("removed the release {RELEASE} from namespace {}", kubectl.namespace));
        }
        None => note(&format!("there is no release {RELEASE} in namespace {}", kubectl.namespace)),
    }
    aiops::forget(&workspace, &kubectl)?;
    if aiops::revoke(&kubectl).await? {
        note("removed the rights of assistants, by `cargo todo ai-kubeconfig` or `ask`");
    }
    if !options.purge {
        if !data.is_empty() {
            note(&format!("kept: {}; the next `cargo todo deploy` finds it again", data.join(", ")));
            note("`cargo todo down --purge` removes it");
        }
        return Ok(());
    }
    if !data.is_empty() {
        let mut delete = vec!["delete", "--ignore-not-found"];
        delete.extend(data.iter().map(String::as_str));
        kubectl.text(&delete).await?;
        note(&format!("removed {}", data.join(", ")));
    }
    if made {
        kubectl.text(&["delete", "namespace", &kubectl.namespace]).await?;
        note(&format!("removed the namespace {}", kubectl.namespace));
    }
    Ok(())
}

/// The objects that are kept when the release is removed, as `kind/name`.
async fn data(kubectl: &Kubectl) -> Result<Vec<String>> {
    let selector = format!("--selector=app.kubernetes.io/instance={RELEASE}");
    let kinds = "persistentvolumeclaims,secrets";
    let names = kubectl.text(&["get", kinds, &selector, "--output=name"]).await?;
    Ok(names.lines().map(str::to_owned).collect())
}

fn confirmed(kubectl: &Kubectl, data: &[String], made: bool) -> Result<bool> {
    let namespace = if made { format!(", namespace {}", kubectl.namespace) } else { String::new() };
    let everything = if data.is_empty() { "no data".to_owned() } else { data.join(", ") };
    anstream::print!("remove for good: {everything}{namespace} (context {})? [y/N] ", kubectl.context);
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
