//! `helm`, always with an explicit context and namespace.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::{boxes, kubernetes::KubeContext, tool};

/// Name of the release, as of the chart.
pub const RELEASE: &str = "todo";

#[derive(Clone, Debug)]
pub struct Helm {
    context: KubeContext,
}

/// The part of `helm status` that is used here.
#[derive(Clone, Debug, Deserialize)]
pub struct Release {
    pub version: u32,
    pub info: Info,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Info {
    pub status: String,
    #[serde(default)]
    pub description: String,
}

/// The input of `helm upgrade`.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'a> {
    pub chart: &'a Path,
    pub values: &'a [&'a Path],
    pub set: &'a [String],
    pub description: &'a str,
}

impl Helm {
    #[must_use]
    pub fn new(context: &KubeContext) -> Self {
        Self { context: context.clone() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tool::command("helm", arguments);
        command.args(["--kube-context", &self.context.name, "--namespace", &self.context.namespace]);
        command
    }

    pub async fn release(&self) -> Result<Option<Release>> {
        let output = tool::output(self.command(&["status", RELEASE, "--output", "json"])).await?;
        if output.status.success() {
            let release = serde_json::from_slice(&output.stdout);
            return release.map(Some).context("`helm status` printed what is not understood");
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        if stderr.contains("release: not found") {
            return Ok(None);
        }
        bail!("`helm status {RELEASE}` failed:\n{}", stderr.trim())
    }

    pub async fn upgrade(&self, upgrade: Upgrade<'_>) -> Result<()> {
        let mut command = self.command(&["upgrade", "--install", RELEASE]);
        command.arg(upgrade.chart).args(["--description", upgrade.description]);
        for values in upgrade.values {
            command.arg("--values").arg(values);
        }
        for set in upgrade.set {
            command.args(["--set", set]);
        }
        let output = tool::output(command).await?;
        if !output.status.success() {
            bail!("helm refuses the release:\n{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    pub async fn rollback(&self, revision: u32) -> Result<()> {
        tool::text(self.command(&["rollback", RELEASE, &revision.to_string()])).await.map(drop)
    }

    pub async fn uninstall(&self) -> Result<()> {
        tool::text(self.command(&["uninstall", RELEASE, "--wait"])).await.map(drop)
    }

    /// The `helm` command with these arguments, to show to the user.
    #[must_use]
    pub fn command_line(&self, arguments: &str) -> String {
        let KubeContext { name, namespace } = &self.context;
        boxes::command_line(&format!("helm --kube-context {name} --namespace {namespace} {arguments}"))
    }
}
