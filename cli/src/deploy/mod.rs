//! `cargo todo deploy`: from source to a running release.

pub mod known_good;
mod plan;
mod rollback;

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::Args;
use futures_util::future::try_join_all;

use self::{plan::Plan, rollback::Rollback};
use crate::{
    boxes,
    cluster::{Cluster, ClusterChoice, Images, Target},
    forward,
    helm::{Helm, RELEASE, Release},
    images::{Image, Source},
    kubernetes::{KubeClient, KubeContext},
    output::bold,
    process,
    progress::Progress,
    rollout::{self, Outcome, Snapshot},
    tool,
    workspace::Workspace,
};

/// Build the images, load them into a cluster and run the application there
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Deploy {
    #[command(flatten)]
    target: Target,
    /// `docker`, `podman` or `buildah` builds the images; or images made by Nix. By default the first builder that
    /// works
    #[arg(long, value_name = "docker|podman|buildah|nix:PATHS")]
    images: Option<Source>,
    /// The chart; by default that of the checkout
    #[arg(long, value_name = "DIRECTORY")]
    chart: Option<PathBuf>,
    /// A value of the chart; can be given more than once
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A file with values of the chart; can be given more than once
    #[arg(long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Run Prometheus and Grafana as well, and forward their ports
    #[arg(long)]
    monitoring: bool,
    /// How long pods may take to become ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// Port on this machine where the frontend can be reached; by default 3000 or the next that is free
    #[arg(long, conflicts_with = "no_forward")]
    port: Option<u16>,
    /// Do not forward the frontend's port to this machine
    #[arg(long)]
    no_forward: bool,
    /// After a failure go back to the revision that ran before
    #[arg(long)]
    rollback: bool,
    /// Show every line the builds print
    #[arg(long, short)]
    verbose: bool,
}

pub async fn run(options: Deploy) -> Result<()> {
    let workspace = Workspace::find_or_state()?;
    let Some(source) = source(&options, &workspace).await? else {
        boxes::up(&workspace).await?;
        return boxes::enter(&workspace);
    };
    let progress = Progress::new(options.verbose);
    tokio::select! {
        outcome = deploy(&options, &source, &workspace, &progress) => outcome,
        outcome = process::interrupted() => {
            outcome?;
            bail!("interrupted; `cargo todo deploy` goes on where this ended");
        }
    }
}

/// Where the images come from, or `None` if the command has to continue in the box.
async fn source(options: &Deploy, workspace: &Workspace) -> Result<Option<Source>> {
    if options.target.in_box && !boxes::inside() {
        return Ok(None);
    }
    let reason = match usable_source(options).await {
        Ok(source) => return Ok(Some(source)),
        Err(reason) => reason,
    };
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let hint = "`cargo todo doctor` says how to get what is missing";
    match boxes::possible(workspace) {
        Ok(()) if !boxes::inside() && (ci || boxes::is_up(workspace)) => Ok(None),
        Ok(()) => bail!(
            "{reason}: {hint}, or let `cargo todo deploy --box` start a throwaway computer that has Docker and \
             Minikube"
        ),
        Err(_) => bail!("{reason}: {hint}"),
    }
}

/// The source that the user has chosen, else the first that works. The error says what this machine lacks.
async fn usable_source(options: &Deploy) -> Result<Source, String> {
    if options.target.cluster == ClusterChoice::Minikube && tool::on_path("minikube").is_none() {
        return Err("Minikube is not installed".into());
    }
    let source = match &options.images {
        Some(Source::Builder(builder)) => builder.version().await.map(|_| Source::Builder(*builder)),
        Some(archives) => Ok(archives.clone()),
        None => Source::find().await,
    };
    source.map_err(|reason| format!("nothing here builds images ({reason})"))
}

async fn deploy(options: &Deploy, source: &Source, workspace: &Workspace, progress: &Progress) -> Result<()> {
    let cluster = options.target.cluster();
    let context = options.target.kube_context(&cluster)?;
    let helm = Helm::new(&context);
    let building = source.images(workspace, progress);
    let (mut images, (present, release)) = tokio::try_join!(building, connect(&cluster, &helm, progress))?;
    let kube = context.connect().await?;
    images.retain(|image| options.monitoring || !image.part.monitoring);
    try_join_all(images.iter().map(|image| load_image(image, &cluster, &present, workspace, progress))).await?;

    let chart = options.chart.clone().unwrap_or_else(|| workspace.path("helm/todo"));
    let mut set = options.set.clone();
    if options.monitoring {
        // It comes first, so that a value of the user's replaces it.
        set.insert(0, "monitoring.enabled=true".into());
    }
    let plan = Plan::new(chart, workspace, &context, &cluster, &images, &options.values, &set)?;
    let before = release.as_ref().map(|release| release.version);
    let changed = !(plan.is_deployed(release.as_ref()) && has_workloads(&kube).await?);
    if changed {
        refuse_pending(release.as_ref(), &helm)?;
        if kube.ensure_namespace().await? {
            progress.println(&format!("made the namespace {}", context.namespace));
        }
        plan.apply(&helm).await?;
        let revision = before.unwrap_or(0) + 1;
        progress.println(&format!("release {RELEASE}, revision {revision}: waiting for its pods"));
    } else {
        progress.println("the release is up to date");
    }
    match rollout::wait(&kube, options.timeout, progress).await? {
        Outcome::Complete(snapshot) => {
            let revision = before.unwrap_or(0) + u32::from(changed);
            known_good::record(workspace, &context, revision)?;
            report_addresses(options, workspace, &context, &snapshot, changed, progress).await
        }
        Outcome::Failed { reasons, serving } => {
            for line in reasons {
                progress.println(&line);
            }
            let newest = before.unwrap_or(0) + u32::from(changed);
            let revision = known_good::rollback_target(workspace, &context, newest);
            let rollback = Rollback { kube: &kube, helm: &helm, revision, serving };
            rollback.after_failure(options.rollback, options.timeout, progress).await
        }
    }
}

/// The images and the release in the cluster, which is started if it does not run. In most cases it runs, so all of it
/// is read at the same time.
async fn connect(cluster: &Cluster, helm: &Helm, progress: &Progress) -> Result<(Images, Option<Release>)> {
    if tool::on_path("helm").is_none() {
        bail!("helm is not installed: `cargo todo doctor` says how to get it");
    }
    let (runs, images, release) = tokio::join!(cluster.is_running(), cluster.images(), helm.release());
    if runs? {
        return Ok((images?, release?));
    }
    cluster.start(progress).await?;
    tokio::try_join!(cluster.images(), helm.release())
}

async fn load_image(
    image: &Image,
    cluster: &Cluster,
    present: &Images,
    workspace: &Workspace,
    progress: &Progress,
) -> Result<()> {
    let task = progress.start(image.part.image);
    task.set_message("looking for the image in the cluster, else loading it");
    let loaded = cluster.ensure_image(workspace, image, present).await;
    drop(task);
    let name = format!("{}:{}", image.part.image, image.tag());
    progress.println(&if loaded? { format!("{name} is loaded") } else { format!("{name} is there already") });
    Ok(())
}

/// Whether the workloads of the release exist; someone may have deleted one.
async fn has_workloads(kube: &KubeClient) -> Result<bool> {
    let snapshot = Snapshot::take(kube).await?;
    let exists = |name: &str| snapshot.workloads().any(|workload| workload == name);
    Ok(exists("todo-backend") && exists("todo-frontend"))
}

fn refuse_pending(release: Option<&Release>, helm: &Helm) -> Result<()> {
    let Some(release) = release.filter(|release| release.info.status.starts_with("pending")) else { return Ok(()) };
    let hint = match release.version {
        1 => helm.command_line(&format!("uninstall {RELEASE}")),
        version => helm.command_line(&format!("rollback {RELEASE} {}", version - 1)),
    };
    bail!(
        "helm works on this release, or was interrupted when it last did ({}): if none runs, `{hint}`",
        release.info.status
    )
}

async fn report_addresses(
    options: &Deploy,
    workspace: &Workspace,
    context: &KubeContext,
    snapshot: &Snapshot,
    changed: bool,
    progress: &Progress,
) -> Result<()> {
    for url in snapshot.ingress_urls() {
        progress.println(&format!("by the Ingress: {}", bold(&url)));
    }
    if options.no_forward {
        progress.println("every pod is ready");
        return Ok(());
    }
    let forward = async |service, wanted: Option<u16>| match forward::running(workspace, context, service)? {
        // Nothing has changed, so the forward still works.
        Some(running) if !changed && wanted.is_none_or(|port| port == running.port) => Ok(running),
        _ => forward::start(workspace, context, service, wanted).await,
    };
    let running = forward(&forward::FRONTEND, options.port).await?;
    if boxes::outer_port(running.port).is_none() {
        progress.println("that port of the box is not led out of it: end what has 3000 in there, or see BOX_PORTS");
    }
    for (name, service) in [("Prometheus", &forward::PROMETHEUS), ("Grafana", &forward::GRAFANA)] {
        let workload = format!("{RELEASE}-{}", name.to_lowercase());
        if snapshot.workloads().any(|name| name == workload) {
            progress.println(&format!("{name} is at {}", bold(&forward(service, None).await?.url())));
        } else {
            forward::stop(workspace, context, service).await?;
        }
    }
    progress.println(&format!("the application is at {} (`cargo todo down` ends it)", bold(&running.url())));
    Ok(())
}

/// `90s`, `5m`, or both.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration such as 90s, 5m or 1m30s is wanted".to_owned();
    let mut rest = text;
    let mut seconds = 0;
    for (unit, length) in [('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds += number.parse::<u64>().map_err(|_| wrong())? * length;
            rest = after;
        }
    }
    if rest.is_empty() && seconds > 0 { Ok(Duration::from_secs(seconds)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "5", "m", "0s", "5h", "1s1m", "-1s"] {
            assert!(duration(wrong).unwrap_err().contains("1m30s"), "{wrong}");
        }
    }
}
