//! Clusters of Minikube, by its program.

use std::path::Path;

use anyhow::{Result, ensure};
use tokio::process::Command;

use super::ListedImage;
use crate::tool;

#[derive(Clone, Debug)]
pub struct Minikube {
    /// The kubectl context has the same name.
    pub profile: String,
}

impl Minikube {
    #[must_use]
    pub fn new(profile: Option<&str>) -> Self {
        let own = std::env::var("MINIKUBE_PROFILE").ok().filter(|name| !name.is_empty());
        let profile = profile.map(str::to_owned).or(own).unwrap_or_else(|| "minikube".into());
        Self { profile }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tool::command("minikube", ["--profile", &self.profile]);
        command.args(arguments);
        command
    }

    pub async fn is_running(&self) -> Result<bool> {
        ensure!(
            tool::on_path("minikube").is_some(),
            "Minikube is not installed: `cargo todo doctor` says how to get it"
        );
        Ok(tool::output(self.command(&["status"])).await?.status.success())
    }

    pub async fn images(&self) -> Result<Vec<ListedImage>> {
        tool::json(self.command(&["image", "ls", "--format", "json"])).await
    }

    pub async fn load(&self, archive: &Path) -> Result<()> {
        let mut load = self.command(&["image", "load"]);
        load.arg(archive);
        tool::text(load).await.map(drop)
    }
}
