//! `cargo todo status`: what runs, from which images, and where it can be reached.

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    boxes,
    cluster::Target,
    forward,
    helm::{Helm, RELEASE},
    rollout::objects::{Pod, Snapshot},
    table,
    workspace::Workspace,
};

/// Show the release, its pods and where it can be reached; fails when something is not ready
#[derive(Args, Clone, Debug)]
pub struct Status {
    #[command(flatten)]
    target: Target,
}

pub async fn run(options: Status) -> Result<()> {
    let workspace = Workspace::find_or_state()?;
    boxes::enter_where_it_runs(&workspace, &options.target)?;
    let cluster = options.target.cluster();
    let kubectl = options.target.kubectl(&cluster).await?;
    cluster.need().await?;
    let helm = Helm::new(&kubectl);
    let (release, snapshot) = tokio::try_join!(helm.release(), Snapshot::take(&kubectl))?;
    let Some(release) = release else {
        bail!("there is no release {RELEASE} in namespace {}: `cargo todo deploy` makes one", kubectl.namespace);
    };
    let state = format!("revision {}, {}", release.version, release.info.status);
    let mut facts = vec![["release".to_owned(), format!("{RELEASE} in namespace {}: {state}", kubectl.namespace)]];
    for url in snapshot.ingress_urls() {
        facts.push(["ingress".into(), url]);
    }
    facts.push(match forward::running(&workspace, &kubectl, &forward::FRONTEND)? {
        Some(running) => ["url".into(), running.url()],
        None => ["url".into(), "none: `cargo todo deploy` forwards a port".into()],
    });
    for (name, service) in [("prometheus", &forward::PROMETHEUS), ("grafana", &forward::GRAFANA)] {
        if let Some(running) = forward::running(&workspace, &kubectl, service)? {
            facts.push([name.into(), running.url()]);
        }
    }
    print(&table::lines(&facts));
    anstream::println!();
    print(&table::lines(&pods(&snapshot)));

    let unfinished = snapshot.unfinished();
    if snapshot.deployments.is_empty() || !unfinished.is_empty() || release.info.status != "deployed" {
        bail!("not everything is ready{}{}", if unfinished.is_empty() { "" } else { ": " }, unfinished.join("; "));
    }
    Ok(())
}

fn print(lines: &[String]) {
    for line in lines {
        anstream::println!("{line}");
    }
}

fn pods(snapshot: &Snapshot) -> Vec<[String; 4]> {
    let mut rows = vec![["POD", "STATE", "RESTARTS", "IMAGE"].map(str::to_owned)];
    let row = |pod: &Pod| {
        let image = pod.spec.containers.first().map_or_else(String::new, |container| container.image.clone());
        [pod.metadata.name.clone(), pod.state(), pod.restarts().to_string(), image]
    };
    rows.extend(snapshot.owned_pods().into_iter().map(row));
    rows
}
