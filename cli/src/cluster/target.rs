//! Which cluster and namespace a command is about.

use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::{Cluster, Kind, Minikube, Registry};
use crate::{kubectl::Kubectl, tool};

/// The options that say which cluster and namespace are meant.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// `minikube`, `kind`, or the address of a registry that the cluster of --context pulls from
    #[arg(long, default_value = "minikube", value_name = "minikube|kind|URL")]
    pub cluster: Choice,
    /// kubectl context; needed for a cluster that is not on this machine
    #[arg(long)]
    pub context: Option<String>,
    /// Namespace of the release
    #[arg(long, short, default_value = "todo")]
    pub namespace: String,
    /// Use the box, a throwaway computer with Docker and Minikube (Linux, as root)
    #[arg(long = "box")]
    pub in_box: bool,
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

/// A forgotten kubectl context must not direct a command to a cluster that others use.
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
