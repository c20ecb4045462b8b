//! `cargo todo status`: what runs, from which images, and where it can be reached.

use anyhow::{Result, bail};
use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    boxes,
    cluster::Target,
    forward,
    helm::{Helm, RELEASE},
    rollout::{Snapshot, pod},
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
    boxes::enter_if_running(&workspace, &options.target)?;
    let cluster = options.target.cluster();
    let context = options.target.kube_context(&cluster)?;
    cluster.ensure_running().await?;
    let kube = context.connect().await?;
    let helm = Helm::new(&context);
    let (release, snapshot) = tokio::try_join!(helm.release(), Snapshot::take(&kube))?;
    let Some(release) = release else {
        bail!("there is no release {RELEASE} in namespace {}: `cargo todo deploy` makes one", context.namespace);
    };
    let state = format!("revision {}, {}", release.version, release.info.status);
    let mut facts = vec![["release".to_owned(), format!("{RELEASE} in namespace {}: {state}", context.namespace)]];
    for url in snapshot.ingress_urls() {
        facts.push(["ingress".into(), url]);
    }
    facts.push(match forward::running(&workspace, &context, &forward::FRONTEND)? {
        Some(running) => ["url".into(), running.url()],
        None => ["url".into(), "none: `cargo todo deploy` forwards a port".into()],
    });
    for (name, service) in [("prometheus", &forward::PROMETHEUS), ("grafana", &forward::GRAFANA)] {
        if let Some(running) = forward::running(&workspace, &context, service)? {
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
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
        let image = container.and_then(|container| container.image.clone()).unwrap_or_default();
        [pod.name_any(), pod::state(pod), pod::restarts(pod).to_string(), image]
    };
    rows.extend(snapshot.owned_pods().into_iter().map(row));
    rows
}
