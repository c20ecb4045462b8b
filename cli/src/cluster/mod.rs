//! The cluster to work with: how it is started, which images it has, and how it gets more.

mod kind;
mod listing;
mod minikube;
mod registry;

use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use clap::Args;

pub use self::listing::{Listed, holds, id_of_running};
use self::{kind::Kind, minikube::Minikube, registry::Registry};
use crate::{images::Image, kubectl::Kubectl, live::Live, tool, workspace::Workspace};

/// The options that say which cluster and namespace are meant.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// `minikube`, `kind`, or the address of a registry that the cluster of --context pulls from
    #[arg(long, default_value = "minikube", value_name = "minikube|kind|URL")]
    pub cluster: Choice,
    /// kubectl context; needed for a cluster that is not on this machine
    #[arg(long)]
    pub context: Option<String>,
    #[arg(long, short, default_value = "todo")]
    pub namespace: String,
    /// Use the box, a throwaway computer with Docker and Minikube (Linux, as root)
    #[arg(long = "box")]
    pub sandbox: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Minikube,
    Kind,
    Registry(String),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "minikube" => Ok(Self::Minikube),
            "kind" => Ok(Self::Kind),
            _ if text.contains(['.', ':', '/']) => {
                let address = text.split_once("://").map_or(text, |(_, address)| address);
                Ok(Self::Registry(address.trim_end_matches('/').to_owned()))
            }
            _ => Err("minikube, kind or the address of a registry is wanted, such as registry.example.com/team".into()),
        }
    }
}

/// A way for images into a cluster.
#[derive(Clone, Debug)]
pub enum Cluster {
    Minikube(Minikube),
    Kind(Kind),
    Registry(Registry),
}

impl Target {
    pub fn cluster(&self) -> Cluster {
        match &self.cluster {
            Choice::Minikube => Cluster::Minikube(Minikube::new(self.context.as_deref())),
            Choice::Kind => Cluster::Kind(Kind::new(self.context.as_deref())),
            Choice::Registry(address) => Cluster::Registry(Registry::new(address)),
        }
    }

    /// `kubectl` for the cluster, which has to be on this machine unless the user names it.
    pub async fn kubectl(&self, cluster: &Cluster) -> Result<Kubectl> {
        ensure!(
            tool::on_path("kubectl").is_some(),
            "kubectl is not installed: `cargo todo doctor` tells how to get it"
        );
        let context = match (&self.context, cluster.context()) {
            (Some(named), _) => named.clone(),
            (None, Some(own)) => own,
            (None, None) => {
                tool::text(tool::command("kubectl", ["config", "current-context"])).await?.trim().to_owned()
            }
        };
        let kubectl = Kubectl { context, namespace: self.namespace.clone() };
        if self.context.is_none() {
            refuse_foreign(&kubectl, cluster).await?;
        }
        Ok(kubectl)
    }
}

/// A slip must not reach a cluster that others use.
async fn refuse_foreign(kubectl: &Kubectl, cluster: &Cluster) -> Result<()> {
    if let Cluster::Registry(_) = cluster {
        let template = "--output=jsonpath={.clusters[0].cluster.server}";
        let server = kubectl.text(&["config", "view", "--minify", template]).await?;
        let context = &kubectl.context;
        if !is_local(&server) {
            bail!(
                "the kubectl context `{context}` is not a cluster on this machine ({server}): \
                 if it is meant, name it with --context {context}"
            );
        }
    }
    Ok(())
}

fn is_local(server: &str) -> bool {
    let Ok(url) = url::Url::parse(server) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name == "kubernetes.docker.internal",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Cluster {
    /// The context that belongs to it.
    fn context(&self) -> Option<String> {
        match self {
            Self::Minikube(minikube) => Some(minikube.profile.clone()),
            Self::Kind(kind) => Some(kind.context()),
            Self::Registry(_) => None,
        }
    }

    /// Starts it unless it runs.
    pub async fn start(&self, live: &Live) -> Result<()> {
        match self {
            Self::Minikube(minikube) => minikube.start(live).await,
            Self::Kind(kind) => kind.start(live).await,
            Self::Registry(_) => Ok(()),
        }
    }

    /// Fails unless it runs.
    pub async fn need(&self) -> Result<()> {
        let (runs, start) = match self {
            Self::Minikube(minikube) => (minikube.runs().await?, minikube.start_command()),
            Self::Kind(kind) => (kind.runs().await?, kind.start_command()),
            // kubectl tells.
            Self::Registry(_) => return Ok(()),
        };
        ensure!(runs, "{} does not run: `{start}` starts it, as does `cargo todo deploy`", self.name());
        Ok(())
    }

    /// What an image is called in this cluster.
    #[must_use]
    pub fn repository(&self, image: &str) -> String {
        match self {
            Self::Minikube(_) | Self::Kind(_) => format!("docker.io/library/{image}"),
            Self::Registry(registry) => format!("{}/{image}", registry.address),
        }
    }

    /// Brings an image there unless it is there, and makes sure that it arrived. Returns whether it had to be brought.
    pub async fn ensure(&self, workspace: &Workspace, image: &Image, images: &Images) -> Result<bool> {
        let reference = format!("{}:{}", self.repository(image.part.image), image.tag());
        if self.has(images, &reference, &image.id).await? {
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
            self.has(&self.images().await?, &reference, &image.id).await?,
            "the image {reference} did not arrive in {}, which reported no error: \
             its disk may be full (`cargo todo doctor`)",
            self.name(),
        );
        Ok(true)
    }

    async fn has(&self, images: &Images, reference: &str, id: &str) -> Result<bool> {
        match (self, images) {
            (Self::Registry(registry), _) => registry.has(reference, id).await,
            (_, Some(nodes)) => Ok(!nodes.is_empty() && nodes.iter().all(|images| holds(images, reference, id))),
            (_, None) => Ok(false),
        }
    }

    /// What each node lists; nothing for a registry, which is asked for single images.
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
pub type Images = Option<Vec<Vec<Listed>>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_named() {
        assert_eq!("minikube".parse(), Ok(Choice::Minikube));
        assert_eq!("kind".parse(), Ok(Choice::Kind));
        assert_eq!("https://host.example/team/".parse(), Ok(Choice::Registry("host.example/team".into())));
        assert_eq!("localhost:5000".parse(), Ok(Choice::Registry("localhost:5000".into())));
        assert!("minikub".parse::<Choice>().unwrap_err().contains("minikube, kind"));
    }

    #[test]
    fn a_server_elsewhere_is_foreign() {
        for local in ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"] {
            assert!(is_local(local), "{local}");
        }
        for foreign in ["https://10.0.0.1:6443", "https://127.0.0.1.example.com", "https://localhost.example.com", ""] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
