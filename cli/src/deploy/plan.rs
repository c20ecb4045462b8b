//! What a release is made from, and whether that is what runs already.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    cluster::Cluster,
    digest::hex,
    helm::{Helm, Release, Upgrade},
    images::Image,
    kubernetes::KubeContext,
    workspace::Workspace,
};

#[derive(Debug)]
pub struct Plan {
    chart: PathBuf,
    values: Vec<PathBuf>,
    set: Vec<String>,
    description: String,
}

impl Plan {
    /// The user's values come last, so that they replace others.
    pub fn new(
        chart: PathBuf,
        workspace: &Workspace,
        context: &KubeContext,
        cluster: &Cluster,
        images: &[Image],
        values: &[PathBuf],
        set: &[String],
    ) -> Result<Self> {
        let mut all = Vec::new();
        if let Cluster::Minikube(_) = cluster {
            all.push(chart.join("values-minikube.yaml"));
        }
        all.push(write_image_values(workspace, context, cluster, images)?);
        all.extend(values.iter().cloned());
        let description = format!("cargo todo deploy, inputs {}", digest(&chart, &all, set)?);
        Ok(Self { chart, values: all, set: set.to_vec(), description })
    }

    /// Whether the release was made from the very same chart and values, and by nothing else since.
    pub fn is_deployed(&self, release: Option<&Release>) -> bool {
        release.is_some_and(|release| release.info.status == "deployed" && release.info.description == self.description)
    }

    pub async fn apply(&self, helm: &Helm) -> Result<()> {
        let values: Vec<&Path> = self.values.iter().map(PathBuf::as_path).collect();
        let upgrade = Upgrade { chart: &self.chart, values: &values, set: &self.set, description: &self.description };
        helm.upgrade(upgrade).await
    }
}

/// Writes the tags into a file: `--set` would make a number of a tag that has only digits.
fn write_image_values(
    workspace: &Workspace,
    context: &KubeContext,
    cluster: &Cluster,
    images: &[Image],
) -> Result<PathBuf> {
    let mut values = json!({});
    for image in images {
        let repository = match cluster {
            Cluster::Registry(_) => cluster.repository(image.part.image),
            Cluster::Minikube(_) | Cluster::Kind(_) => image.part.image.to_owned(),
        };
        let above = if image.part.monitoring { &mut values["monitoring"] } else { &mut values };
        above[image.part.name] = json!({ "image": { "repository": repository, "tag": image.tag() } });
    }
    let path = workspace.state(&format!("{}/images.json", context.directory()))?;
    std::fs::write(&path, serde_json::to_vec_pretty(&values)?)?;
    Ok(path)
}

fn digest(chart: &Path, values: &[PathBuf], set: &[String]) -> Result<String> {
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    };
    for path in files(chart)? {
        add(path.strip_prefix(chart)?.as_os_str().as_encoded_bytes());
        add(&std::fs::read(&path)?);
    }
    for path in values {
        add(&std::fs::read(path).with_context(|| format!("cannot read the values file {}", path.display()))?);
    }
    for set in set {
        add(set.as_bytes());
    }
    Ok(hex(&digest.finalize()[..8]))
}

/// All files below a directory, in order.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helm::Info;

    #[test]
    fn every_input_changes_the_digest() {
        let directory = tempfile::tempdir().unwrap();
        let chart = directory.path().join("chart");
        std::fs::create_dir_all(chart.join("templates")).unwrap();
        std::fs::write(chart.join("templates/a.yaml"), "a").unwrap();
        let values = directory.path().join("values.yaml");
        std::fs::write(&values, "x: 1").unwrap();
        let set = ["a=b".to_owned()];
        let digest = || digest(&chart, std::slice::from_ref(&values), &set).unwrap();
        let first = digest();
        assert_eq!(first, digest());

        std::fs::write(chart.join("templates/b.yaml"), "").unwrap();
        let second = digest();
        std::fs::write(&values, "x: 2").unwrap();
        let third = digest();
        let fourth = super::digest(&chart, std::slice::from_ref(&values), &[]).unwrap();
        let all = [&first, &second, &third, &fourth];
        assert!(all.iter().enumerate().all(|(index, one)| all[..index].iter().all(|other| one != other)), "{all:?}");
    }

    #[test]
    fn a_release_that_someone_else_made_or_rolled_back_is_not_ours() {
        let plan = Plan { chart: "".into(), values: vec![], set: vec![], description: "ours".into() };
        let release = |status: &str, description: &str| Release {
            version: 1,
            info: Info { status: status.into(), description: description.into() },
        };
        assert!(plan.is_deployed(Some(&release("deployed", "ours"))));
        assert!(!plan.is_deployed(Some(&release("failed", "ours"))));
        assert!(!plan.is_deployed(Some(&release("deployed", "Rollback to 1"))));
        assert!(!plan.is_deployed(None));
    }
}
