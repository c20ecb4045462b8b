//! A registry that the cluster pulls from.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::tool;

#[derive(Clone, Debug)]
pub struct Registry {
    /// Without scheme: `registry.example.com/team`.
    pub address: String,
}

/// An image's manifest, of which only the configuration matters.
#[derive(Debug, Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    digest: String,
}

impl Registry {
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned() }
    }

    pub async fn has_image(&self, reference: &str, id: &str) -> Result<bool> {
        let output = tool::output(self.inspect(reference)).await?;
        let manifest = serde_json::from_slice::<Manifest>(&output.stdout).ok();
        let config = manifest.and_then(|manifest| manifest.config);
        Ok(output.status.success() && config.is_some_and(|config| config.digest == format!("sha256:{id}")))
    }

    fn inspect(&self, reference: &str) -> Command {
        if has_skopeo() {
            let mut inspect = tool::command("skopeo", ["inspect", "--raw"]);
            inspect.args(self.insecure("--tls-verify=false")).arg(format!("docker://{reference}"));
            return inspect;
        }
        let mut inspect = tool::command("docker", ["manifest", "inspect"]);
        inspect.args(self.insecure("--insecure")).arg(reference);
        inspect
    }

    pub async fn push(&self, archive: &Path, reference: &str) -> Result<()> {
        if has_skopeo() {
            // The archive is of our own making, and a skopeo without a configuration trusts nobody.
            let mut copy = tool::command("skopeo", ["--insecure-policy", "copy"]);
            copy.args(self.insecure("--dest-tls-verify=false"));
            copy.arg(format!("docker-archive:{}", archive.display())).arg(format!("docker://{reference}"));
            return tool::text(copy).await.map(drop);
        }
        ensure!(tool::on_path("docker").is_some(), "pushing to a registry needs skopeo or docker: install skopeo");
        let mut load = tool::command("docker", ["load", "--input"]);
        load.arg(archive);
        tool::text(load).await?;
        tool::text(tool::command("docker", ["push", reference])).await.map(drop)
    }

    /// A registry on this machine is used for tests, without TLS, as Docker allows too.
    fn insecure(&self, option: &'static str) -> Option<&'static str> {
        let host = self.address.split(['/', ':']).next().unwrap_or_default();
        (host == "localhost" || host.starts_with("127.")).then_some(option)
    }
}

fn has_skopeo() -> bool {
    tool::on_path("skopeo").is_some()
}
