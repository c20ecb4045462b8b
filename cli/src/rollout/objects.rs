//! The parts of the cluster's objects that are read here.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use crate::{helm::RELEASE, kubectl::Kubectl};

/// The objects of a release at one time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub deployments: Vec<Workload>,
    pub stateful_sets: Vec<Workload>,
    pub replica_sets: Vec<Workload>,
    pub pods: Vec<Pod>,
    pub ingresses: Vec<Ingress>,
}

#[derive(Clone, Debug, Deserialize)]
struct List {
    items: Vec<Object>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind")]
enum Object {
    Deployment(Workload),
    StatefulSet(Workload),
    ReplicaSet(Workload),
    Pod(Pod),
    Ingress(Ingress),
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub uid: String,
    pub generation: u64,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub owner_references: Vec<Owner>,
    pub deletion_timestamp: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Owner {
    pub uid: String,
}

/// A `Deployment`, `StatefulSet` or `ReplicaSet`.
#[derive(Clone, Debug, Deserialize)]
pub struct Workload {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: WorkloadSpec,
    #[serde(default)]
    pub status: WorkloadStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct WorkloadSpec {
    pub replicas: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadStatus {
    pub observed_generation: u64,
    pub replicas: u32,
    pub updated_replicas: u32,
    pub ready_replicas: u32,
    pub available_replicas: u32,
    pub current_revision: String,
    pub update_revision: String,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub reason: String,
    pub message: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Pod {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: PodSpec,
    #[serde(default)]
    pub status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodSpec {
    pub containers: Vec<ContainerSpec>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ContainerSpec {
    #[serde(default)]
    pub image: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    pub phase: String,
    pub conditions: Vec<Condition>,
    pub init_container_statuses: Vec<Container>,
    pub container_statuses: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: String,
    #[serde(rename = "imageID")]
    pub image_id: String,
    pub ready: bool,
    pub restart_count: u32,
    pub state: State,
    pub last_state: State,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct State {
    pub waiting: Option<Waiting>,
    pub running: Option<serde::de::IgnoredAny>,
    pub terminated: Option<Terminated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    pub reason: String,
    pub message: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated {
    pub reason: String,
    pub exit_code: i32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Ingress {
    #[serde(default)]
    pub spec: IngressSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressSpec {
    pub rules: Vec<IngressRule>,
    pub tls: Vec<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct IngressRule {
    pub host: Option<String>,
}

impl Snapshot {
    /// Reads everything in one request, so that its parts are of the same time.
    pub async fn take(kubectl: &Kubectl) -> Result<Self> {
        let kinds = "deployments,statefulsets,replicasets,pods,ingresses.networking.k8s.io";
        let selector = format!("--selector=app.kubernetes.io/instance={RELEASE}");
        Ok(Self::of(kubectl.json::<List>(&["get", kinds, &selector]).await?))
    }

    fn of(list: List) -> Self {
        let mut snapshot = Self::default();
        for object in list.items {
            match object {
                Object::Deployment(workload) => snapshot.deployments.push(workload),
                Object::StatefulSet(workload) => snapshot.stateful_sets.push(workload),
                Object::ReplicaSet(workload) => snapshot.replica_sets.push(workload),
                Object::Pod(pod) => snapshot.pods.push(pod),
                Object::Ingress(ingress) => snapshot.ingresses.push(ingress),
                Object::Other => {}
            }
        }
        snapshot
    }

    /// Addresses that an Ingress answers at.
    pub fn ingress_urls(&self) -> Vec<String> {
        let hosts = self.ingresses.iter().flat_map(|ingress| {
            let scheme = if ingress.spec.tls.is_empty() { "http" } else { "https" };
            ingress
                .spec
                .rules
                .iter()
                .filter_map(move |rule| rule.host.as_ref().map(|host| format!("{scheme}://{host}")))
        });
        hosts.collect()
    }
}

#[cfg(test)]
impl Snapshot {
    pub fn read(json: &str) -> Result<Self> {
        Ok(Self::of(serde_json::from_str(json)?))
    }
}
