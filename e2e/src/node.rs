//! What only root on a node can do: a privileged pod that sees the node's processes, in a namespace that permits it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use serde_json::json;
use todo::rollout::pod::is_ready;

use crate::{cluster::Cluster, program, release::container_id, wait::wait_until};

const POD: &str = "root";

pub struct Node {
    cluster: Arc<Cluster>,
    namespace: String,
}

impl Node {
    /// `image` has to be on the node already, and to have a shell. All pods under test are on the node of `neighbor`.
    pub async fn new(cluster: Arc<Cluster>, namespace: String, image: &str, neighbor: &Pod) -> Result<Self> {
        let node = neighbor.spec.as_ref().and_then(|spec| spec.node_name.clone()).context("the pod is on no node")?;
        let pod = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": POD },
            "spec": {
                "nodeName": node,
                "hostPID": true,
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": POD,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sleep", "infinity"],
                    "securityContext": { "privileged": true, "runAsUser": 0 },
                }],
            },
        }))?;
        let pods = Api::<Pod>::namespaced(cluster.client(), &namespace);
        pods.create(&PostParams::default(), &pod).await?;
        let node = Self { cluster, namespace };
        node.wait_until_ready().await?;
        Ok(node)
    }

    pub async fn wait_until_ready(&self) -> Result<()> {
        let pods = Api::<Pod>::namespaced(self.cluster.client(), &self.namespace);
        wait_until("the pod with the node's rights is ready", Duration::from_mins(1), async || {
            let pod = pods.get(POD).await?;
            is_ready(&pod).then_some(()).with_context(|| format!("{:?}", pod.status))
        })
        .await
    }

    async fn shell(&self, script: &str) -> Result<String> {
        let kubectl = self.cluster.kubectl(["--namespace", &self.namespace, "exec", POD, "--", "sh", "-euc", script]);
        program::stdout(kubectl).await
    }

    /// Sends a signal to every process of the pod's first container.
    pub async fn signal(&self, pod: &Pod, signal: &str) -> Result<()> {
        let id = container_id(pod)?;
        let script = format!(
            "sent=0
            for process in $(grep -l {id} /proc/[0-9]*/cgroup 2>/dev/null); do
                process=${{process#/proc/}}; kill -{signal} ${{process%/cgroup}} && sent=1
            done
            test $sent = 1"
        );
        self.shell(&script).await.with_context(|| format!("no process of {id} took {signal}")).map(drop)
    }

    /// The largest resident memory, in bytes, that a process of the pod's first container has had since it started.
    pub async fn peak_memory(&self, pod: &Pod) -> Result<u64> {
        let id = container_id(pod)?;
        let script = format!(
            "for process in $(grep -l {id} /proc/[0-9]*/cgroup 2>/dev/null); do
                sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' ${{process%/cgroup}}/status
            done"
        );
        let kilobytes: Vec<u64> = self.shell(&script).await?.lines().map(str::parse).collect::<Result<_, _>>()?;
        Ok(kilobytes.into_iter().max().with_context(|| format!("no process of {id} runs"))? * 1024)
    }

    /// Drops all packets to a pod, as a broken network does.
    pub async fn isolate(&self, pod: &Pod) -> Result<()> {
        self.iptables(pod, "--insert").await
    }

    pub async fn reconnect(&self, pod: &Pod) -> Result<()> {
        self.iptables(pod, "--delete").await
    }

    /// Runs the node's own `iptables` in the network of the pod.
    async fn iptables(&self, pod: &Pod, action: &str) -> Result<()> {
        let id = container_id(pod)?;
        let script = format!(
            "process=$(grep -l {id} /proc/[0-9]*/cgroup | head -n 1)
            network=${{process%/cgroup}}/ns/net
            nsenter --mount=/proc/1/ns/mnt --net=$network iptables {action} INPUT ! --in-interface lo --jump DROP"
        );
        self.shell(&script).await.map(drop)
    }
}
