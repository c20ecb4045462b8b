//! `cargo todo verify`: whether what runs is what this tree builds.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use kube::ResourceExt;

use crate::{
    boxes,
    cluster::{Cluster, Images, Target, resolve_image_id},
    images::{Image, Source},
    progress::Progress,
    rollout::{Snapshot, pod},
    table,
    workspace::Workspace,
};

/// Compare the images of running pods with those built from this tree
#[derive(Args, Clone, Debug)]
pub struct Verify {
    #[command(flatten)]
    target: Target,
    /// Where the images come from, as for `deploy`
    #[arg(long, value_name = "docker|podman|buildah|nix:PATHS")]
    images: Option<Source>,
}

pub async fn run(options: Verify) -> Result<()> {
    let workspace = Workspace::find_or_state()?;
    boxes::enter_if_running(&workspace, &options.target)?;
    let cluster = options.target.cluster();
    let context = options.target.kube_context(&cluster)?;
    cluster.ensure_running().await?;
    let kube = context.connect().await?;
    let source = match options.images {
        Some(source) => source,
        None => Source::find().await.map_err(anyhow::Error::msg).context("nothing here builds images")?,
    };
    let progress = Progress::new(false);
    let (built, present, snapshot) =
        tokio::try_join!(source.images(&workspace, &progress), cluster.images(), Snapshot::take(&kube))?;
    let rows = compare(&built, &cluster, &present, &snapshot);
    let compared = rows.iter().any(|row| row.verdict != Verdict::NotBuilt);
    ensure!(compared, "no pod of the application runs in namespace {}", context.namespace);

    let mut table = vec![["POD", "IMAGE", "RUNS", "BUILT", ""].map(str::to_owned)];
    table.extend(rows.iter().map(|row| {
        let verdict = match row.verdict {
            Verdict::Same => "same",
            Verdict::Different => "different",
            Verdict::NotBuilt => "not compared",
        };
        [row.pod.clone(), row.image.clone(), row.runs.clone(), row.built.clone(), verdict.into()]
    }));
    for line in table::lines(&table) {
        anstream::println!("{line}");
    }
    let different: Vec<&str> =
        rows.iter().filter(|row| row.verdict == Verdict::Different).map(|row| row.pod.as_str()).collect();
    if !different.is_empty() {
        bail!("not from this tree: {}; `cargo todo deploy` replaces them", different.join(", "));
    }
    Ok(())
}

/// One container.
#[derive(Debug)]
struct Row {
    pod: String,
    image: String,
    runs: String,
    built: String,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Different,
    /// The cluster pulled the image; this tree builds none of this name.
    NotBuilt,
}

fn compare(built: &[Image], cluster: &Cluster, present: &Images, snapshot: &Snapshot) -> Vec<Row> {
    let listed: Vec<_> = present.iter().flatten().flatten().cloned().collect();
    let mut rows = Vec::new();
    for pod in snapshot.owned_pods() {
        let component = pod.labels().get("app.kubernetes.io/component");
        let image = built.iter().find(|image| component.is_some_and(|name| name == image.part.name));
        for container in pod::containers(pod) {
            let runs = match cluster {
                // A node that pulled the image reports only the digest of the manifest; the tag is made from the id.
                Cluster::Registry(_) => container.image.rsplit(':').next().map(str::to_owned),
                _ => resolve_image_id(&listed, &container.image_id),
            };
            let runs = runs.unwrap_or_else(|| "unknown".into());
            rows.push(Row {
                pod: format!("{} ({})", pod.name_any(), container.name),
                image: image.map_or(container.image.as_str(), |image| image.part.image).to_owned(),
                verdict: match image {
                    Some(image) if runs == image.id || (runs.len() == 12 && runs == image.tag()) => Verdict::Same,
                    Some(_) => Verdict::Different,
                    None => Verdict::NotBuilt,
                },
                runs: runs.chars().take(12).collect(),
                built: image.map_or("", Image::tag).to_owned(),
            });
        }
    }
    rows
}
