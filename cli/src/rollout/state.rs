//! How far a rollout is, and what stands in a pod's way.

use std::time::Duration;

use super::objects::{Container, Pod, Snapshot, Workload};

/// Something that keeps a pod from becoming ready and that waiting does not mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In plain words.
    pub what: String,
    /// How long it may go on before it counts: some of it passes by itself.
    pub patience: Duration,
}

impl Snapshot {
    /// What is not as its specification says, one line for each workload. Nothing is left when the rollout is complete.
    pub fn unfinished(&self) -> Vec<String> {
        let deployments = self.deployments.iter().filter_map(deployment_progress);
        deployments.chain(self.stateful_sets.iter().filter_map(stateful_set_progress)).collect()
    }

    /// Pods of the newest revision of each workload; those of older ones are about to go, whatever state they are in.
    pub fn current_pods(&self) -> Vec<&Pod> {
        let deployments = self.deployments.iter().filter(|workload| is_observed(workload));
        let newest = deployments.filter_map(|deployment| {
            let sets = self.replica_sets.iter().filter(|set| is_owned(&set.metadata.owner_references, deployment));
            sets.max_by_key(|set| revision(set))
        });
        let of_deployments =
            newest.flat_map(|set| self.pods.iter().filter(move |pod| is_owned(&pod.metadata.owner_references, set)));
        let stateful_sets = self.stateful_sets.iter().filter(|workload| is_observed(workload));
        let of_stateful_sets = stateful_sets.flat_map(|set| {
            let newest = &set.status.update_revision;
            self.pods.iter().filter(move |pod| {
                is_owned(&pod.metadata.owner_references, set)
                    && pod.metadata.labels.get("controller-revision-hash") == Some(newest)
            })
        });
        of_deployments.chain(of_stateful_sets).filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
    }

    /// Pods of any revision that belong to a workload, in order; those of `helm test` do not.
    pub fn owned_pods(&self) -> Vec<&Pod> {
        self.pods.iter().filter(|pod| !pod.metadata.owner_references.is_empty()).collect()
    }

    /// Why no pod is even made, for each workload that cannot.
    pub fn refused(&self) -> Vec<(String, Trouble)> {
        let workloads = self.deployments.iter().chain(&self.stateful_sets);
        let refused = workloads.filter_map(|workload| {
            let failure =
                workload.status.conditions.iter().find(|it| it.kind == "ReplicaFailure" && it.status == "True")?;
            let what = format!("the cluster refuses its pods: {}", failure.message);
            Some((workload.metadata.name.clone(), Trouble { what, patience: Duration::from_secs(10) }))
        });
        refused.collect()
    }
}

fn is_observed(workload: &Workload) -> bool {
    workload.status.observed_generation >= workload.metadata.generation
}

fn is_owned(owners: &[super::objects::Owner], by: &Workload) -> bool {
    owners.iter().any(|owner| owner.uid == by.metadata.uid)
}

fn revision(set: &Workload) -> u64 {
    let annotation = set.metadata.annotations.get("deployment.kubernetes.io/revision");
    annotation.and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// As `kubectl rollout status` judges it.
fn deployment_progress(deployment: &Workload) -> Option<String> {
    let (name, status) = (&deployment.metadata.name, &deployment.status);
    let wanted = deployment.spec.replicas.unwrap_or(1);
    if !is_observed(deployment) {
        Some(format!("{name}: not begun"))
    } else if status.updated_replicas < wanted {
        Some(format!("{name}: {} of {wanted} pods are made", status.updated_replicas))
    } else if status.replicas > status.updated_replicas {
        Some(format!("{name}: pods of the revision before still run: {}", status.replicas - status.updated_replicas))
    } else if status.available_replicas < status.updated_replicas {
        Some(format!("{name}: {} of {wanted} pods are ready", status.available_replicas))
    } else {
        None
    }
}

fn stateful_set_progress(set: &Workload) -> Option<String> {
    let (name, status) = (&set.metadata.name, &set.status);
    let wanted = set.spec.replicas.unwrap_or(1);
    if !is_observed(set) {
        Some(format!("{name}: not begun"))
    } else if status.update_revision != status.current_revision && status.updated_replicas < wanted {
        Some(format!("{name}: {} of {wanted} pods are made anew", status.updated_replicas))
    } else if status.ready_replicas < wanted {
        Some(format!("{name}: {} of {wanted} pods are ready", status.ready_replicas))
    } else {
        None
    }
}

impl Pod {
    pub fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True")
    }

    pub fn restarts(&self) -> u32 {
        self.containers().map(|container| container.restart_count).sum()
    }

    /// Its state in a word or two.
    pub fn state(&self) -> String {
        if self.metadata.deletion_timestamp.is_some() {
            return "Terminating".into();
        }
        if self.is_ready() {
            return "ready".into();
        }
        if let Some(condition) = self.unschedulable() {
            return condition.reason.clone();
        }
        let busy = |container: &&Container| {
            !container.ready && container.state.terminated.as_ref().is_none_or(|end| end.exit_code != 0)
        };
        if let Some(container) = self.status.init_container_statuses.iter().find(busy) {
            return match container_state(container) {
                Some(state) if state != "PodInitializing" => format!("{}: {state}", container.name),
                _ => format!("{} runs", container.name),
            };
        }
        let waits = self.status.container_statuses.iter().find_map(container_state);
        waits.unwrap_or_else(|| {
            if self.status.phase == "Running" { "not ready yet".into() } else { self.status.phase.clone() }
        })
    }

    /// What waiting will not mend.
    pub fn trouble(&self) -> Option<Trouble> {
        if let Some(condition) = self.unschedulable() {
            let what = format!("no node takes it: {}", condition.message);
            return Some(Trouble { what, patience: Duration::from_secs(10) });
        }
        self.containers().find_map(container_trouble)
    }

    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        self.status.init_container_statuses.iter().chain(&self.status.container_statuses)
    }

    fn unschedulable(&self) -> Option<&super::objects::Condition> {
        self.status
            .conditions
            .iter()
            .find(|it| it.kind == "PodScheduled" && it.status == "False" && it.reason == "Unschedulable")
    }
}

fn container_state(container: &Container) -> Option<String> {
    if let Some(waiting) = &container.state.waiting {
        return Some(waiting.reason.clone());
    }
    let terminated = container.state.terminated.as_ref()?;
    Some(format!("{} ({})", terminated.reason, terminated.exit_code))
}

fn container_trouble(container: &Container) -> Option<Trouble> {
    let waiting = container.state.waiting.as_ref()?;
    let (name, image, message) = (&container.name, &container.image, &waiting.message);
    let (what, seconds) = match waiting.reason.as_str() {
        "ImagePullBackOff" | "ErrImageNeverPull" => (format!("the image {image} cannot be pulled"), 0),
        "InvalidImageName" => (format!("{image} is no image name"), 0),
        // Passes when the node's copy of a new Secret is late.
        "CreateContainerConfigError" => (format!("the configuration of {name} is incomplete: {message}"), 5),
        "CreateContainerError" | "RunContainerError" => (format!("{name} cannot be started: {message}"), 5),
        "CrashLoopBackOff" if container.restart_count >= 2 => (crash(container), 0),
        _ => return None,
    };
    Some(Trouble { what, patience: Duration::from_secs(seconds) })
}

fn crash(container: &Container) -> String {
    let (name, times) = (&container.name, container.restart_count + 1);
    match &container.last_state.terminated {
        Some(end) if end.reason == "OOMKilled" => {
            format!("{name} was ended {times} times: it needs more memory than its limit allows")
        }
        Some(end) => format!("{name} ended {times} times, at last with exit code {}", end.exit_code),
        None => format!("{name} ended {times} times"),
    }
}
