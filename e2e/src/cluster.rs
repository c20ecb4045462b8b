//! The cluster under test.

use std::{
    net::{IpAddr, UdpSocket},
    sync::{PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client, ResourceExt, api::ListParams};
use todo::kubernetes::{self, KubeClient, KubeContext};
use tokio::process::Command;

use crate::program::{self, Output};

/// Minikube's label with the name of the profile.
const MINIKUBE: &str = "minikube.k8s.io/name";

/// How long the answer of the API server may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

pub struct Cluster {
    pub context: String,
    /// The name of the profile, if the cluster is a Minikube.
    pub minikube: Option<String>,
    kube: RwLock<KubeClient>,
}

impl Cluster {
    /// The context that `TODO_E2E_CONTEXT` names, else kubectl's current one.
    pub async fn connect() -> Result<Self> {
        let context = match std::env::var("TODO_E2E_CONTEXT") {
            Ok(context) => context,
            Err(_) => kubernetes::current_context()?,
        };
        let kube = connect(&context).await?;
        let nodes = nodes(&kube).await?;
        let minikube = nodes.iter().find_map(|node| node.labels().get(MINIKUBE).cloned());
        Ok(Self { context, minikube, kube: RwLock::new(kube) })
    }

    pub fn client(&self) -> Client {
        self.kube("default").client()
    }

    /// The client that `cargo todo` uses, for a namespace.
    pub fn kube(&self, namespace: &str) -> KubeClient {
        self.kube.read().unwrap_or_else(PoisonError::into_inner).in_namespace(namespace)
    }

    /// Reads the API server's address again: a Minikube that was stopped comes back with another port.
    pub async fn reconnect(&self) -> Result<()> {
        let kube = connect(&self.context).await?;
        *self.kube.write().unwrap_or_else(PoisonError::into_inner) = kube;
        Ok(())
    }

    pub async fn nodes(&self) -> Result<Vec<Node>> {
        nodes(&self.kube("default")).await
    }

    /// The address at which the ports of the nodes are reachable.
    pub async fn node_address(&self) -> Result<IpAddr> {
        let nodes = self.nodes().await?;
        let addresses = nodes.iter().filter_map(|node| node.status.as_ref()?.addresses.as_ref()).flatten();
        let mut internal = addresses.filter(|address| address.type_ == "InternalIP");
        Ok(internal.next().context("no node has an InternalIP")?.address.parse()?)
    }

    /// This machine's address in the nodes' network.
    pub async fn address_of_this_machine(&self) -> Result<IpAddr> {
        // Connecting a UDP socket sends nothing: it only chooses the route.
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect((self.node_address().await?, 9))?;
        Ok(socket.local_addr()?.ip())
    }

    pub fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut kubectl = program::command("kubectl", ["--context", &self.context]);
        kubectl.args(arguments);
        kubectl
    }

    pub fn helm<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut helm = program::command("helm", ["--kube-context", &self.context]);
        helm.args(arguments);
        helm
    }

    /// Runs the `minikube` program on this cluster's profile.
    pub async fn minikube<const N: usize>(&self, arguments: [&str; N]) -> Result<Output> {
        let profile = self.minikube.as_deref().context("the cluster is no Minikube")?;
        let mut minikube = program::command("minikube", ["--profile", profile]);
        minikube.args(arguments);
        program::run(minikube).await
    }
}

async fn connect(context: &str) -> Result<KubeClient> {
    let mut config = kubernetes::load(context).await?;
    config.read_timeout = Some(REQUEST_TIMEOUT);
    let context = KubeContext { name: context.to_owned(), namespace: "default".to_owned() };
    KubeClient::new(context, config)
}

async fn nodes(kube: &KubeClient) -> Result<Vec<Node>> {
    let nodes = Api::<Node>::all(kube.client());
    Ok(kube.request(nodes.list(&ListParams::default())).await?.items)
}
