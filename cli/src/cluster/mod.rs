//! The cluster to work with: how it is started, which images it has, and how it gets more.

mod kind;
mod listing;
mod minikube;
mod registry;
mod target;

use anyhow::{Result, ensure};
use tokio::process::Command;

use self::{kind::Kind, minikube::Minikube, registry::Registry};
pub use self::{
    listing::{ListedImage, contains_image, resolve_image_id},
    target::{ClusterChoice, Target},
};
use crate::{images::Image, progress::Progress, workspace::Workspace};

/// A kind of cluster. Each has its own way to load images.
#[derive(Clone, Debug)]
pub enum Cluster {
    Minikube(Minikube),
    Kind(Kind),
    Registry(Registry),
}

impl Cluster {
    /// The context that its program writes into the kubeconfig.
    fn context(&self) -> Option<String> {
        match self {
            Self::Minikube(minikube) => Some(minikube.profile.clone()),
            Self::Kind(kind) => Some(kind.context()),
            Self::Registry(_) => None,
        }
    }

    pub async fn is_running(&self) -> Result<bool> {
        match self {
            Self::Minikube(minikube) => minikube.is_running().await,
            Self::Kind(kind) => kind.is_running().await,
            // The first request to its API server fails if it does not.
            Self::Registry(_) => Ok(true),
        }
    }

    /// Starts the cluster, and prints the command that does so.
    pub async fn start(&self, progress: &Progress) -> Result<()> {
        let Some(start) = self.start_command() else { return Ok(()) };
        progress.println(&format!("{} does not run: starting it by `{}`", self.name(), start.join(" ")));
        let mut command = Command::new(&start[0]);
        command.args(&start[1..]);
        progress.run(&start[0], command).await
    }

    /// Fails unless the cluster runs.
    pub async fn ensure_running(&self) -> Result<()> {
        let start = self.start_command().unwrap_or_default().join(" ");
        ensure!(
            self.is_running().await?,
            "{} does not run: `{start}` starts it, as does `cargo todo deploy`",
            self.name()
        );
        Ok(())
    }

    fn start_command(&self) -> Option<Vec<String>> {
        let words = match self {
            Self::Minikube(minikube) => ["minikube", "start", "--profile", &minikube.profile].to_vec(),
            Self::Kind(kind) => ["kind", "create", "cluster", "--name", &kind.name].to_vec(),
            Self::Registry(_) => return None,
        };
        Some(words.into_iter().map(str::to_owned).collect())
    }

    /// The repository of an image in this cluster.
    #[must_use]
    pub fn repository(&self, image: &str) -> String {
        match self {
            Self::Minikube(_) | Self::Kind(_) => format!("docker.io/library/{image}"),
            Self::Registry(registry) => format!("{}/{image}", registry.address),
        }
    }

    /// Loads an image unless the cluster has it, and checks that it arrived. Returns whether it had to be loaded.
    pub async fn ensure_image(&self, workspace: &Workspace, image: &Image, images: &Images) -> Result<bool> {
        let reference = format!("{}:{}", self.repository(image.part.image), image.tag());
        if self.has_image(images, &reference, &image.id).await? {
            return Ok(false);
        }
        let archive = image.archive(workspace, &reference).await?;
        match self {
            Self::Minikube(minikube) => minikube.load(archive.path()).await?,
            Self::Kind(kind) => kind.load(archive.path()).await?,
            Self::Registry(registry) => registry.push(archive.path(), &reference).await?,
        }
        // `minikube image load` succeeds for a file that it cannot read.
        ensure!(
            self.has_image(&self.images().await?, &reference, &image.id).await?,
            "the image {reference} did not arrive in {}, which reported no error: \
             its disk may be full (`cargo todo doctor`)",
            self.name(),
        );
        Ok(true)
    }

    async fn has_image(&self, images: &Images, reference: &str, id: &str) -> Result<bool> {
        match (self, images) {
            (Self::Registry(registry), _) => registry.has_image(reference, id).await,
            (_, Some(nodes)) => {
                Ok(!nodes.is_empty() && nodes.iter().all(|images| contains_image(images, reference, id)))
            }
            (_, None) => Ok(false),
        }
    }

    /// The images on each node. For a registry there is no list: it is asked for single images.
    pub async fn images(&self) -> Result<Images> {
        match self {
            Self::Minikube(minikube) => Ok(Some(vec![minikube.images().await?])),
            Self::Kind(kind) => kind.images().await.map(Some),
            Self::Registry(_) => Ok(None),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Minikube(minikube) => format!("Minikube's profile {}", minikube.profile),
            Self::Kind(kind) => format!("the kind cluster {}", kind.name),
            Self::Registry(registry) => format!("the registry {}", registry.address),
        }
    }
}

/// The images of each node.
pub type Images = Option<Vec<Vec<ListedImage>>>;
