//! The progress of a rollout.

use std::time::Duration;

use super::{
    objects::{Pod, Snapshot, Workload},
    pod::Trouble,
};

impl Snapshot {
    /// One line for each workload that is not yet as its specification says. The list is empty when the rollout is
    /// complete.
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

    /// Whether each part of the application has a pod that can answer.
    pub fn is_serving(&self) -> bool {
        self.deployments.iter().all(|deployment| deployment.status.ready_replicas > 0)
    }

    /// Pods of any revision that belong to a workload, in order; those of `helm test` do not.
    pub fn owned_pods(&self) -> Vec<&Pod> {
        self.pods.iter().filter(|pod| !pod.metadata.owner_references.is_empty()).collect()
    }

    /// The failures that waiting does not repair, with the name of the pod or the workload.
    pub fn troubles(&self) -> Vec<(String, Trouble)> {
        let pods = self.current_pods().into_iter();
        pods.filter_map(|pod| Some((pod.metadata.name.clone(), pod.trouble()?))).chain(self.refused()).collect()
    }

    /// The reason of each workload for which the cluster creates no pod.
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

/// The rules are those of `kubectl rollout status`.
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
    fn pods_that_are_not_even_made_are_told() {
        let troubles = troubles(include_str!("fixtures/quota.json"));
        let refused = troubles.iter().find(|(name, _)| name == "todo-backend").unwrap();
        assert!(refused.1.what.contains("exceeded quota"), "{}", refused.1.what);
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
