//! An installation of the chart.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod, Secret, Service};
use kube::{Api, ResourceExt, api::ListParams, client::Body};
use reqwest::StatusCode;
use serde_json::Value;
use todo::rollout::{Snapshot, pod};
use tokio::process::Command;

use crate::{
    cluster::Cluster,
    program::{self, Output},
    proxy::ServiceProxy,
    wait::wait_until,
};

pub const NAME: &str = "todo";

/// The images under test, as `repository:tag`.
#[derive(Clone, Debug)]
pub struct Images {
    pub backend: String,
    pub frontend: String,
}

impl Images {
    /// The arguments of helm that give a chart these tags.
    pub fn values(&self) -> Result<[String; 2]> {
        let (backend, frontend) = (tag(&self.backend)?, tag(&self.frontend)?);
        Ok(["--set-string".into(), format!("backend.image.tag={backend},frontend.image.tag={frontend}")])
    }
}

pub struct Release {
    pub cluster: Arc<Cluster>,
    pub namespace: String,
    pub images: Images,
    /// The values of the last upgrade, unless something else has changed the release since.
    values: Mutex<Option<Vec<String>>>,
}

/// The directory of the chart in this checkout.
pub fn chart() -> PathBuf {
    root().join("helm/todo")
}

/// The directory of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Release {
    pub fn new(cluster: Arc<Cluster>, namespace: String, images: Images) -> Self {
        Self { cluster, namespace, images, values: Mutex::default() }
    }

    pub fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut kubectl = self.cluster.kubectl(["--namespace", &self.namespace]);
        kubectl.args(arguments);
        kubectl
    }

    pub fn helm<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut helm = self.cluster.helm(["--namespace", &self.namespace]);
        helm.args(arguments);
        helm
    }

    /// Runs `helm upgrade --install` with the images under test and these values, which have to be complete each time.
    pub async fn apply(&self, values: &[&str]) -> Result<()> {
        self.invalidate();
        let mut helm = self.helm(["upgrade", "--install", NAME]);
        helm.arg(chart()).arg("--values").arg(chart().join("values-minikube.yaml"));
        helm.args(self.images.values()?);
        for value in values {
            // A tag that has only digits must not become a number.
            helm.args([if value.contains(".tag=") { "--set-string" } else { "--set" }, value]);
        }
        program::stdout(helm).await?;
        *self.values.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(values.iter().map(|&value| value.to_owned()).collect());
        Ok(())
    }

    /// Upgrades the release to these values, if it has others, and waits until it is settled.
    pub async fn ensure_values(&self, values: &[&str]) -> Result<()> {
        let known = self.values.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_none_or(|known| known != values) {
            self.apply(values).await?;
        }
        self.wait_until_settled().await?;
        self.wait_until_reachable().await
    }

    /// Waits until the nodes forward requests to the pods, which is a moment after these are ready.
    pub async fn wait_until_reachable(&self) -> Result<()> {
        let proxy = self.proxy().await?;
        wait_until("the application answers", Duration::from_secs(20), async || {
            let answer = reqwest::get(format!("{}/api/tasks", proxy.url)).await?;
            ensure!(answer.status() == StatusCode::UNAUTHORIZED, "it answers {}", answer.status());
            Ok(())
        })
        .await
    }

    /// To be called when something else changes the release: the next test sets its values again.
    pub fn invalidate(&self) {
        *self.values.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The number of the last revision.
    pub async fn revision(&self) -> Result<u64> {
        let status = program::stdout(self.helm(["status", NAME, "--output", "json"])).await?;
        serde_json::from_str::<Value>(&status)?["version"].as_u64().context("helm status names no version")
    }

    pub async fn rollback(&self, revision: u64) -> Result<()> {
        self.invalidate();
        program::stdout(self.helm(["rollback", NAME, &revision.to_string()])).await.map(drop)
    }

    /// Waits until every pod is of the newest revision and ready; older ones may still be terminating.
    pub async fn wait_until_rolled_out(&self, limit: Duration) -> Result<()> {
        wait_until("the rollout is complete", limit, async || self.rolled_out().await.map(drop)).await
    }

    /// Waits until, in addition, no pod is terminating.
    pub async fn wait_until_settled(&self) -> Result<()> {
        // The scheduler may miss that a volume is there, and looks at such a pod again after five minutes.
        wait_until("the release is settled", Duration::from_mins(6), async || {
            for pod in self.rolled_out().await?.pods {
                let name = pod.name_any();
                ensure!(!pod::is_terminating(&pod), "{name} is terminating");
                ensure!(pod::is_ready(&pod) || is_test(&pod), "{name} is not ready");
            }
            Ok(())
        })
        .await
    }

    /// The objects of the release, if the rollout is complete.
    async fn rolled_out(&self) -> Result<Snapshot> {
        let snapshot = Snapshot::take(&self.cluster.kube(&self.namespace)).await?;
        let deployments = snapshot.deployments.len();
        ensure!(deployments == 2, "there are {deployments} Deployments");
        let unfinished = snapshot.unfinished();
        ensure!(unfinished.is_empty(), "{}", unfinished.join("; "));
        Ok(snapshot)
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.cluster.client(), &self.namespace)
    }

    /// The pods of a component that are not terminating, oldest first.
    pub async fn pods(&self, component: &str) -> Result<Vec<Pod>> {
        let labels = format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/component={component}");
        let mut pods = self.api::<Pod>().list(&ListParams::default().labels(&labels)).await?.items;
        pods.retain(|pod| !pod::is_terminating(pod));
        pods.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
        Ok(pods)
    }

    /// The only pod of a component.
    pub async fn pod(&self, component: &str) -> Result<Pod> {
        let mut pods = self.pods(component).await?;
        ensure!(pods.len() == 1, "there are {} {component} pods", pods.len());
        pods.pop().context("there is one")
    }

    pub async fn names(&self, component: &str) -> Result<Vec<String>> {
        Ok(self.pods(component).await?.iter().map(ResourceExt::name_any).collect())
    }

    /// Reads the current state of a pod.
    pub async fn reload(&self, pod: &Pod) -> Result<Pod> {
        Ok(self.api::<Pod>().get(&pod.name_any()).await?)
    }

    /// The events about an object.
    pub async fn events(&self, name: &str) -> Result<Vec<Event>> {
        let about = ListParams::default().fields(&format!("involvedObject.name={name}"));
        Ok(self.api::<Event>().list(&about).await?.items)
    }

    /// Waits for an event about an object that has this reason and a message with this text, and returns the message.
    pub async fn event(&self, name: &str, reason: &str, text: &str) -> Result<String> {
        wait_until(&format!("an event {reason} about {name} with `{text}`"), Duration::from_mins(1), async || {
            let events = self.events(name).await?;
            let message = events.iter().find_map(|event| {
                let message = event.message.as_deref()?;
                (event.reason.as_deref()? == reason && message.contains(text)).then(|| message.to_owned())
            });
            message.with_context(|| format!("events: {:?}", events.iter().map(summary).collect::<Vec<_>>()))
        })
        .await
    }

    /// The whole log of all containers of a pod.
    pub async fn log(&self, pod: &str) -> Result<String> {
        program::stdout(self.kubectl(["logs", pod, "--all-containers", "--tail=-1"])).await
    }

    pub async fn secret(&self, name: &str) -> Result<Secret> {
        Ok(self.api().get(name).await?)
    }

    /// Sends a request to a pod itself, not by way of a Service, and returns the status and the body of its answer.
    pub async fn request_pod(&self, pod: &Pod, port: u16, path: &str) -> Result<(u16, String)> {
        let (namespace, name) = (&self.namespace, pod.name_any());
        let address = format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy{path}");
        let request = http::Request::get(address).body(Body::empty())?;
        let answer = self.cluster.client().send(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect_bytes().await?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// A proxy on this machine for the frontend's Service.
    pub async fn proxy(&self) -> Result<ServiceProxy> {
        let service: Service = self.api().get(&format!("{NAME}-frontend")).await?;
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        let port = ports.iter().find_map(|port| port.node_port).context("the frontend's Service has no NodePort")?;
        ServiceProxy::start((self.cluster.node_address().await?, u16::try_from(port)?).into()).await
    }

    /// Runs `helm test`.
    pub async fn test(&self) -> Result<Output> {
        program::run(self.helm(["test", NAME, "--logs", "--timeout", "2m"])).await
    }

    /// Waits for a pod of a component that is not one of `old`, and returns its name.
    pub async fn new_pod(&self, component: &str, old: &[String]) -> Result<String> {
        wait_until(&format!("a new {component} pod"), Duration::from_secs(30), async || {
            let names = self.names(component).await?;
            names.into_iter().find(|name| !old.contains(name)).context("only the old pods")
        })
        .await
    }
}

fn tag(image: &str) -> Result<&str> {
    Ok(image.rsplit_once(':').with_context(|| format!("{image} has no tag"))?.1)
}

fn summary(event: &Event) -> String {
    format!("{}: {}", event.reason.as_deref().unwrap_or_default(), event.message.as_deref().unwrap_or_default())
}

fn is_test(pod: &Pod) -> bool {
    pod.labels().get("app.kubernetes.io/component").is_some_and(|component| component == "test")
}

/// Fails when the pod's containers were not restarted as often as expected, and says how each ended last.
pub fn ensure_restarts(pod: &Pod, expected: i32) -> Result<()> {
    let end = |it: &ContainerStatus| Some((it.name.clone(), it.last_state.clone()?.terminated?));
    let ends: Vec<_> = pod::containers(pod).filter_map(end).collect();
    ensure!(pod::restarts(pod) == expected, "{} was restarted {} times: {ends:#?}", pod.name_any(), pod::restarts(pod));
    Ok(())
}

/// The runtime's id of a pod's first container.
pub fn container_id(pod: &Pod) -> Result<String> {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let id = statuses.and_then(|statuses| statuses.first()?.container_id.as_ref()).context("no container runs")?;
    match id.split_once("://") {
        Some((_, id)) => Ok(id.to_owned()),
        None => bail!("{id} is no container id"),
    }
}
