//! Clusters of kind, by its program.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::ListedImage;
use crate::tool;

#[derive(Clone, Debug)]
pub struct Kind {
    pub name: String,
}

#[derive(Debug, Deserialize)]
struct CrictlImages {
    images: Vec<ListedImage>,
}

impl Kind {
    #[must_use]
    pub fn new(context: Option<&str>) -> Self {
        let named = context.map(|context| context.trim_start_matches("kind-").to_owned());
        let own = std::env::var("KIND_CLUSTER_NAME").ok().filter(|name| !name.is_empty());
        Self { name: named.or(own).unwrap_or_else(|| "kind".into()) }
    }

    #[must_use]
    pub fn context(&self) -> String {
        format!("kind-{}", self.name)
    }

    pub async fn is_running(&self) -> Result<bool> {
        ensure!(tool::on_path("kind").is_some(), "kind is not installed: get it from https://kind.sigs.k8s.io");
        let clusters = tool::text(tool::command("kind", ["get", "clusters"])).await?;
        Ok(clusters.lines().any(|name| name == self.name))
    }

    /// The images of each node.
    pub async fn images(&self) -> Result<Vec<Vec<ListedImage>>> {
        // Nodes are containers; which program runs them, kind learns from this variable.
        let engine = std::env::var("KIND_EXPERIMENTAL_PROVIDER").ok().filter(|name| !name.is_empty());
        let engine = engine.unwrap_or_else(|| "docker".into());
        let nodes = tool::text(tool::command("kind", ["get", "nodes", "--name", &self.name])).await?;
        let mut images = Vec::new();
        for node in nodes.lines().filter(|node| !node.is_empty()) {
            let list = tool::command(&engine, ["exec", node, "crictl", "images", "--output", "json"]);
            images.push(tool::json::<CrictlImages>(list).await?.images);
        }
        Ok(images)
    }

    pub async fn load(&self, archive: &Path) -> Result<()> {
        let mut load = tool::command("kind", ["load", "image-archive", "--name", &self.name]);
        load.arg(archive);
        tool::text(load).await.map(drop)
    }
}
