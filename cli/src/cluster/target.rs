//! Which cluster and namespace a command is about.

use std::str::FromStr;

use anyhow::{Result, ensure};
use clap::Args;

use super::{Cluster, Kind, Minikube, Registry};
use crate::kubernetes::{self, KubeContext};

/// The options that say which cluster and namespace are meant.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// `minikube`, `kind`, or the address of a registry that the cluster of --context pulls from
    #[arg(long, default_value = "minikube", value_name = "minikube|kind|URL")]
    pub cluster: ClusterChoice,
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
pub enum ClusterChoice {
    Minikube,
    Kind,
    Registry(String),
}

impl FromStr for ClusterChoice {
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
            ClusterChoice::Minikube => Cluster::Minikube(Minikube::new(self.context.as_deref())),
            ClusterChoice::Kind => Cluster::Kind(Kind::new(self.context.as_deref())),
            ClusterChoice::Registry(address) => Cluster::Registry(Registry::new(address)),
        }
    }

    /// The context and the namespace. The cluster has to be on this machine unless the user names its context.
    pub fn kube_context(&self, cluster: &Cluster) -> Result<KubeContext> {
        let name = match (&self.context, cluster.context()) {
            (Some(named), _) => named.clone(),
            (None, Some(own)) => own,
            (None, None) => {
                let current = kubernetes::current_context()?;
                refuse_remote(&current)?;
                current
            }
        };
        Ok(KubeContext { name, namespace: self.namespace.clone() })
    }
}

/// A forgotten current context must not direct a command to a cluster that others use.
fn refuse_remote(context: &str) -> Result<()> {
    let server = kubernetes::cluster_of(&kubernetes::read_config()?, context)?.server.unwrap_or_default();
    ensure!(
        kubernetes::is_local(&server),
        "the kubectl context `{context}` is not a cluster on this machine ({server}): \
         if it is meant, name it with --context {context}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_named() {
        assert_eq!("minikube".parse(), Ok(ClusterChoice::Minikube));
        assert_eq!("kind".parse(), Ok(ClusterChoice::Kind));
        assert_eq!("https://host.example/team/".parse(), Ok(ClusterChoice::Registry("host.example/team".into())));
        assert_eq!("localhost:5000".parse(), Ok(ClusterChoice::Registry("localhost:5000".into())));
        assert!("minikub".parse::<ClusterChoice>().unwrap_err().contains("minikube, kind"));
    }
}
