//! `kubectl`, always with an explicit context and namespace.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::process::Command;

use crate::{boxes, tool};

#[derive(Clone, Debug)]
pub struct Kubectl {
    pub context: String,
    pub namespace: String,
}

impl Kubectl {
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tool::command("kubectl", ["--context", &self.context, "--namespace", &self.namespace]);
        command.args(arguments);
        command
    }

    /// With a limit, so that an API server that does not answer cannot block the command.
    fn question(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg("--request-timeout=20s");
        command
    }

    pub async fn text(&self, arguments: &[&str]) -> Result<String> {
        tool::text(self.question(arguments)).await
    }

    pub async fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T> {
        let mut command = self.question(arguments);
        command.args(["--output", "json"]);
        tool::json(command).await
    }

    /// The directory for this context and namespace, below the checkout's state.
    #[must_use]
    pub fn directory(&self) -> String {
        let plain = |text: &str| text.replace(|it: char| !it.is_ascii_alphanumeric() && it != '.' && it != '_', "-");
        format!("deploy/{}/{}", plain(&self.context), plain(&self.namespace))
    }

    /// A command to give to the user, to be completed by `arguments`.
    #[must_use]
    pub fn shown(&self, arguments: &str) -> String {
        boxes::shown(&format!("kubectl --context {} --namespace {} {arguments}", self.context, self.namespace))
    }

    pub async fn has_namespace(&self) -> Result<bool> {
        let found = self.text(&["get", "namespace", &self.namespace, "--ignore-not-found", "--output=name"]).await?;
        Ok(!found.trim().is_empty())
    }

    /// Creates the namespace if there is none, with Pod Security `restricted` and the label of our objects. Returns
    /// whether it had to be created.
    pub async fn ensure_namespace(&self) -> Result<bool> {
        if self.has_namespace().await? {
            return Ok(false);
        }
        let manifest = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": self.namespace,
                "labels": { MADE_BY: MADE_BY_US, "pod-security.kubernetes.io/enforce": "restricted" },
            },
        });
        self.send("create", &manifest).await?;
        Ok(true)
    }

    /// Creates objects, or changes existing ones to this state.
    pub async fn apply(&self, manifest: &Value) -> Result<()> {
        self.send("apply", manifest).await
    }

    async fn send(&self, verb: &str, manifest: &Value) -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        serde_json::to_writer(&file, manifest)?;
        let path = file.path().to_str().context("the path of a temporary file is not UTF-8")?;
        self.text(&[verb, "--filename", path]).await.map(drop)
    }

    /// Whether the namespace is one that [`Kubectl::ensure_namespace`] made.
    pub async fn made_namespace(&self) -> Result<bool> {
        let selector = format!("{MADE_BY}={MADE_BY_US}");
        let field = format!("metadata.name={}", self.namespace);
        let arguments = ["get", "namespaces", "--selector", &selector, "--field-selector", &field, "--output=name"];
        Ok(!self.text(&arguments).await?.trim().is_empty())
    }
}

/// The label of the objects that we create in addition to the release.
pub const MADE_BY: &str = "app.kubernetes.io/managed-by";
pub const MADE_BY_US: &str = "cargo-todo";
