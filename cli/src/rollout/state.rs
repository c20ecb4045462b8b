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

    /// Broken pods of an older revision of a `StatefulSet`, which Kubernetes may leave as they are.
    pub fn left_behind(&self) -> Vec<&Pod> {
        let left = self.stateful_sets.iter().filter(|set| is_observed(set)).flat_map(|set| {
            let newest = &set.status.update_revision;
            self.pods.iter().filter(move |pod| {
                is_owned(&pod.metadata.owner_references, set)
                    && pod.metadata.labels.get("controller-revision-hash") != Some(newest)
                    && pod.metadata.deletion_timestamp.is_none()
                    && pod.trouble().is_some()
            })
        });
        left.collect()
    }

    /// Pods of any revision that belong to a workload, in order; those of `helm test` do not.
    pub fn owned_pods(&self) -> Vec<&Pod> {
        self.pods.iter().filter(|pod| !pod.metadata.owner_references.is_empty()).collect()
    }

    /// What waiting will not mend, by the name of the pod or the workload.
    pub fn troubles(&self) -> Vec<(String, Trouble)> {
        let pods = self.current_pods().into_iter();
        pods.filter_map(|pod| Some((pod.metadata.name.clone(), pod.trouble()?))).chain(self.refused()).collect()
    }

    /// Why no pod is even made, for each workload that cannot.
    fn refused(&self) -> Vec<(String, Trouble)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Snapshot {
        Snapshot::read(include_str!("fixtures/ready.json")).unwrap()
    }

    fn troubles(json: &str) -> Vec<(String, Trouble)> {
        let snapshot = Snapshot::read(json).unwrap();
        assert!(!snapshot.unfinished().is_empty());
        snapshot.troubles()
    }

    #[test]
    fn a_release_that_runs_is_complete() {
        let snapshot = ready();
        assert!(snapshot.unfinished().is_empty(), "{:?}", snapshot.unfinished());
        assert_eq!(snapshot.current_pods().len(), 3);
        assert!(snapshot.current_pods().iter().all(|pod| pod.is_ready() && pod.trouble().is_none()));
        assert_eq!(snapshot.ingress_urls(), ["http://todo.local"]);
    }

    #[test]
    fn what_the_controller_has_not_seen_yet_is_not_complete() {
        let mut snapshot = ready();
        snapshot.deployments[0].metadata.generation += 1;
        snapshot.stateful_sets[0].metadata.generation += 1;
        assert_eq!(snapshot.unfinished(), ["todo-backend: not begun", "todo-postgres: not begun"]);
        // Their pods may still be those of the revision before.
        assert_eq!(snapshot.current_pods().len(), 1);
    }

    #[test]
    fn every_count_is_looked_at() {
        let changes: [fn(&mut Snapshot); 6] = [
            |it| it.deployments[0].status.updated_replicas = 0,
            |it| it.deployments[0].status.replicas += 1,
            |it| it.deployments[0].status.available_replicas = 0,
            |it| it.deployments[0].spec.replicas = Some(2),
            |it| it.stateful_sets[0].status.ready_replicas = 0,
            |it| {
                it.stateful_sets[0].status.update_revision = "new".into();
                it.stateful_sets[0].status.updated_replicas = 0;
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut snapshot = ready();
            change(&mut snapshot);
            assert_eq!(snapshot.unfinished().len(), 1, "change {index}");
        }
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_hopeless_at_once() {
        let troubles = troubles(include_str!("fixtures/image.json"));
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        let (pod, trouble) = &troubles[0];
        assert!(pod.starts_with("todo-backend-"), "{pod}");
        assert_eq!(trouble.what, "the image todo-backend:nosuch cannot be pulled");
        assert_eq!(trouble.patience, Duration::ZERO);
    }

    #[test]
    fn a_program_that_ends_again_and_again_is_told_with_its_exit_code() {
        let troubles = troubles(include_str!("fixtures/crash.json"));
        let whats: Vec<_> = troubles.iter().map(|(_, trouble)| trouble.what.as_str()).collect();
        assert!(whats.contains(&"frontend ended 3 times, at last with exit code 1"), "{whats:?}");
    }

    #[test]
    fn a_first_crash_is_not_hopeless() {
        let mut snapshot = Snapshot::read(include_str!("fixtures/crash.json")).unwrap();
        for pod in &mut snapshot.pods {
            let containers = pod.status.container_statuses.iter_mut().chain(&mut pod.status.init_container_statuses);
            containers.for_each(|container| container.restart_count = 1);
        }
        assert!(snapshot.current_pods().iter().all(|pod| pod.trouble().is_none()));
    }

    #[test]
    fn too_little_memory_of_the_node_and_of_the_container_are_told_apart() {
        let troubles = troubles(include_str!("fixtures/unschedulable.json"));
        let (_, trouble) = &troubles[0];
        assert!(trouble.what.starts_with("no node takes it: ") && trouble.what.contains("Insufficient memory"));
        assert_eq!(trouble.patience, Duration::from_secs(10));

        let end = super::super::objects::Terminated { reason: "OOMKilled".into(), exit_code: 137 };
        let mut container = Container { name: "backend".into(), restart_count: 2, ..Container::default() };
        container.last_state.terminated = Some(end);
        assert!(crash(&container).contains("more memory than its limit"));
    }

    #[test]
    fn a_missing_secret_is_named_after_a_while() {
        let troubles = troubles(include_str!("fixtures/config.json"));
        let (_, trouble) = &troubles[0];
        assert!(trouble.what.contains("secret \"missing\" not found"), "{}", trouble.what);
        assert!(trouble.patience > Duration::ZERO);
    }

    #[test]
    fn pods_that_are_not_even_made_are_told() {
        let troubles = troubles(include_str!("fixtures/quota.json"));
        let refused = troubles.iter().find(|(name, _)| name == "todo-backend").unwrap();
        assert!(refused.1.what.contains("exceeded quota"), "{}", refused.1.what);
    }

    #[test]
    fn a_broken_pod_that_its_stateful_set_does_not_replace_is_found() {
        let mut snapshot = Snapshot::read(include_str!("fixtures/config.json")).unwrap();
        assert!(snapshot.left_behind().is_empty());
        snapshot.stateful_sets[0].status.update_revision = "next".into();
        let names: Vec<_> = snapshot.left_behind().iter().map(|pod| pod.metadata.name.as_str()).collect();
        assert_eq!(names, ["todo-postgres-0"]);
        assert!(ready().left_behind().is_empty());
    }

    #[test]
    fn pods_of_an_older_revision_do_not_count() {
        let mut snapshot = Snapshot::read(include_str!("fixtures/image.json")).unwrap();
        // The next revision has begun, and the broken pod is about to go.
        let mut newest = snapshot.replica_sets[0].clone();
        newest.metadata.uid = "newest".into();
        newest.metadata.annotations.insert("deployment.kubernetes.io/revision".into(), "1000".into());
        for deployment in &snapshot.deployments {
            newest.metadata.owner_references[0].uid.clone_from(&deployment.metadata.uid);
            snapshot.replica_sets.push(newest.clone());
        }
        assert!(snapshot.current_pods().iter().all(|pod| pod.trouble().is_none()));
    }
}
