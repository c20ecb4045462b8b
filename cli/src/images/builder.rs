//! Programs that build an image from a Dockerfile.

use std::path::Path;

use anyhow::{Context, Result};
use tokio::process::Command;

use super::Recipe;
use crate::{digest, progress::Progress, tool, workspace::Workspace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    Docker,
    Podman,
    Buildah,
}

impl Builder {
    pub const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Buildah];

    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }

    /// The version, of the daemon if the builder has one, or the reason why it cannot build.
    pub async fn version(self) -> std::result::Result<String, String> {
        let program = self.program();
        if tool::on_path(program).is_none() {
            return Err(format!("{program} is not installed"));
        }
        let question: &[&str] = match self {
            Self::Docker => &["version", "--format", "{{.Server.Version}}"],
            Self::Podman => &["info", "--format", "{{.Version.Version}}"],
            Self::Buildah => &["--version"],
        };
        match tool::output(tool::command(program, question)).await {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Ok(output) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                Err(format!("{program} does not answer: {}", stderr.trim().lines().last().unwrap_or("it says nothing")))
            }
            Err(error) => Err(format!("{error:#}")),
        }
    }

    /// Builds the image and returns its id as this builder gives it.
    pub async fn build(
        self,
        workspace: &Workspace,
        recipe: &Recipe,
        revision: &str,
        progress: &Progress,
    ) -> Result<String> {
        let name = local_name(workspace, recipe);
        progress.run(recipe.part.image, self.build_command(workspace, recipe, revision, &name)).await?;
        let question: &[&str] = match self {
            Self::Docker | Self::Podman => &["image", "inspect", "--format", "{{.Id}}"],
            Self::Buildah => &["inspect", "--type", "image", "--format", "{{.FromImageID}}"],
        };
        let mut inspect = tool::command(self.program(), question);
        inspect.arg(&name);
        let id = tool::text(inspect).await?;
        Ok(id.trim().trim_start_matches("sha256:").to_owned())
    }

    fn build_command(self, workspace: &Workspace, recipe: &Recipe, revision: &str, name: &str) -> Command {
        let mut build = Command::new(self.program());
        build.current_dir(workspace.root()).args(["build", "--file", recipe.dockerfile, "--tag", name]);
        build.args(["--build-arg", &format!("VERSION={}", env!("CARGO_PKG_VERSION"))]);
        build.args(["--build-arg", &format!("REVISION={revision}")]);
        match self {
            // An attestation holds times: the same sources would give another image each time.
            Self::Docker => build
                .args(["--progress", "plain"])
                .env("DOCKER_BUILDKIT", "1")
                .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1"),
            // An archive for Docker has this format too, so that the id stays the same.
            Self::Podman | Self::Buildah => build.args(["--format", "docker", "--layers"]),
        };
        // Behind a proxy that inspects TLS, the programs that fetch dependencies need its certificate authority.
        if let Some(authorities) = std::env::var_os("SSL_CERT_FILE").filter(|path| Path::new(path).is_file()) {
            build.args(["--secret", &format!("id=ca,src={}", authorities.to_string_lossy())]);
        }
        build.arg(recipe.context);
        build
    }

    /// Writes an image as a docker-archive.
    pub async fn save(self, id: &str, to: &Path) -> Result<()> {
        let to = to.to_str().context("the checkout's path is not UTF-8")?;
        let command = match self {
            Self::Docker => tool::command("docker", ["save", "--output", to, id]),
            Self::Podman => tool::command("podman", ["save", "--format", "docker-archive", "--output", to, id]),
            Self::Buildah => tool::command("buildah", ["push", id, &format!("docker-archive:{to}")]),
        };
        tool::text(command).await.map(drop)
    }
}

/// Each checkout has its own tag, so that two checkouts can build at the same time.
fn local_name(workspace: &Workspace, recipe: &Recipe) -> String {
    let checkout = digest::sha256(workspace.root().as_os_str().as_encoded_bytes());
    format!("docker.io/library/{}:checkout-{}", recipe.part.image, &checkout[..8])
}
