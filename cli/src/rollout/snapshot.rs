//! The objects of a release.

use anyhow::Result;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    core::v1::Pod,
    networking::v1::Ingress,
};
use kube::{ResourceExt, api::ListParams};

use crate::{helm::RELEASE, kubernetes::KubeClient};

/// The objects of a release, as the API server had them within one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub deployments: Vec<Deployment>,
    pub stateful_sets: Vec<StatefulSet>,
    pub replica_sets: Vec<ReplicaSet>,
    pub pods: Vec<Pod>,
    pub ingresses: Vec<Ingress>,
}

impl Snapshot {
    /// Reads every kind by a request of its own, since there is no request for all of them. They are not of the very
    /// same time, but owners are read before what they own: a Deployment that its controller has looked at is never
    /// seen with the `ReplicaSet`s of before, whose pods would be taken for those of the newest revision.
    pub async fn take(kube: &KubeClient) -> Result<Self> {
        let of_release = ListParams::default().labels(&format!("app.kubernetes.io/instance={RELEASE}"));
        let (deployments, stateful_sets, ingresses) =
            tokio::try_join!(kube.list(&of_release), kube.list(&of_release), kube.list(&of_release))?;
        let (replica_sets, pods) = tokio::try_join!(kube.list(&of_release), kube.list(&of_release))?;
        Ok(Self { deployments, stateful_sets, replica_sets, pods, ingresses })
    }

    /// The names of the release's Deployments and `StatefulSet`s.
    pub fn workloads(&self) -> impl Iterator<Item = String> {
        let deployments = self.deployments.iter().map(ResourceExt::name_any);
        deployments.chain(self.stateful_sets.iter().map(ResourceExt::name_any))
    }

    /// Addresses that an Ingress answers at.
    pub fn ingress_urls(&self) -> Vec<String> {
        let specs = self.ingresses.iter().filter_map(|ingress| ingress.spec.as_ref());
        let urls = specs.flat_map(|spec| {
            let scheme = if spec.tls.as_ref().is_none_or(Vec::is_empty) { "http" } else { "https" };
            let hosts = spec.rules.iter().flatten().filter_map(|rule| rule.host.as_ref());
            hosts.map(move |host| format!("{scheme}://{host}"))
        });
        urls.collect()
    }
}

#[cfg(test)]
impl Snapshot {
    /// From a `List` as `kubectl get` prints it.
    pub fn read(json: &str) -> Result<Self> {
        let list: serde_json::Value = serde_json::from_str(json)?;
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(Self {
            deployments: of_kind(items, "Deployment")?,
            stateful_sets: of_kind(items, "StatefulSet")?,
            replica_sets: of_kind(items, "ReplicaSet")?,
            pods: of_kind(items, "Pod")?,
            ingresses: of_kind(items, "Ingress")?,
        })
    }
}

#[cfg(test)]
fn of_kind<K: serde::de::DeserializeOwned>(items: &[serde_json::Value], kind: &str) -> Result<Vec<K>> {
    let items = items.iter().filter(|item| item["kind"] == kind);
    items.map(|item| Ok(serde_json::from_value(item.clone())?)).collect()
}
