//! The progress of a rollout.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    core::v1::Pod,
};
use kube::{Resource, ResourceExt};

use super::{
    Snapshot,
    pod::{self, Problem},
};

/// How long the cluster may refuse to create pods: a quota may be freed by pods that are about to go.
const REFUSAL_GRACE_PERIOD: Duration = Duration::from_secs(10);

impl Snapshot {
    /// One line for each workload that is not yet as its specification says. The list is empty when the rollout is
    /// complete.
    pub fn unfinished(&self) -> Vec<String> {
        let deployments = self.deployments.iter().filter_map(deployment_progress);
        deployments.chain(self.stateful_sets.iter().filter_map(stateful_set_progress)).collect()
    }

    /// Pods of the newest revision of each workload; those of older ones are about to go, whatever state they are in.
    pub fn current_pods(&self) -> Vec<&Pod> {
        let deployments = self.deployments.iter().filter(|deployment| deployment_is_observed(deployment));
        let newest = deployments.filter_map(|deployment| {
            let sets = self.replica_sets.iter().filter(|set| is_owned(*set, deployment));
            sets.max_by_key(|set| revision(set))
        });
        let of_deployments = newest.flat_map(|set| self.pods.iter().filter(|pod| is_owned(*pod, set)));
        let stateful_sets = self.stateful_sets.iter().filter(|set| stateful_set_is_observed(set));
        let of_stateful_sets = stateful_sets.flat_map(|set| {
            let newest = set.status.as_ref().and_then(|status| status.update_revision.as_ref());
            let is_newest = move |pod: &Pod| newest.is_some() && pod.labels().get("controller-revision-hash") == newest;
            self.pods.iter().filter(move |pod| is_owned(*pod, set) && is_newest(pod))
        });
        of_deployments.chain(of_stateful_sets).filter(|pod| !pod::is_terminating(pod)).collect()
    }

    /// Whether each part of the application has a pod that can answer.
    pub fn is_serving(&self) -> bool {
        let ready = |deployment: &Deployment| deployment.status.as_ref().and_then(|status| status.ready_replicas);
        self.deployments.iter().all(|deployment| ready(deployment).is_some_and(|ready| ready > 0))
    }

    /// Pods of any revision that belong to a workload, in order; those of `helm test` do not.
    pub fn owned_pods(&self) -> Vec<&Pod> {
        self.pods.iter().filter(|pod| !pod.owner_references().is_empty()).collect()
    }

    /// What keeps the rollout from being completed, with the name of the pod or the workload.
    pub fn problems(&self) -> Vec<(String, Problem)> {
        let pods = self.current_pods().into_iter();
        let of_pods = pods.filter_map(|pod| Some((pod.name_any(), pod::problem(pod)?)));
        of_pods.chain(self.refusals()).collect()
    }

    /// The workloads for which the cluster refuses to create pods.
    fn refusals(&self) -> impl Iterator<Item = (String, Problem)> {
        let failures = self.deployments.iter().filter_map(|deployment| {
            let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
            let failed = conditions.iter().find(|it| it.type_ == "ReplicaFailure" && it.status == "True")?;
            Some((deployment.name_any(), failed.message.clone().unwrap_or_default()))
        });
        failures.map(|(name, message)| {
            let description = format!("the cluster refuses its pods: {message}");
            (name, Problem { description, grace_period: REFUSAL_GRACE_PERIOD })
        })
    }
}

/// Whether the controller has seen the newest specification; before that the status is about an older one.
fn deployment_is_observed(deployment: &Deployment) -> bool {
    let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
    observed >= deployment.metadata.generation
}

fn stateful_set_is_observed(set: &StatefulSet) -> bool {
    set.status.as_ref().and_then(|status| status.observed_generation) >= set.metadata.generation
}

fn is_owned(object: &impl Resource, by: &impl Resource) -> bool {
    let uid = by.meta().uid.as_ref();
    object.owner_references().iter().any(|owner| Some(&owner.uid) == uid)
}

fn revision(set: &ReplicaSet) -> u64 {
    let annotation = set.annotations().get("deployment.kubernetes.io/revision");
    annotation.and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// The rules are those of `kubectl rollout status`, and that no pod is too many after scaling down.
fn deployment_progress(deployment: &Deployment) -> Option<String> {
    let name = deployment.name_any();
    if !deployment_is_observed(deployment) {
        return Some(format!("{name}: not begun"));
    }
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let [all, updated, available] =
        [status.replicas, status.updated_replicas, status.available_replicas].map(Option::unwrap_or_default);
    if updated < wanted {
        Some(format!("{name}: {updated} of {wanted} pods are made"))
    } else if all > updated {
        Some(format!("{name}: pods of the revision before still run: {}", all - updated))
    } else if updated > wanted {
        Some(format!("{name}: pods still run that are too many: {}", updated - wanted))
    } else if available < wanted {
        Some(format!("{name}: {available} of {wanted} pods are ready"))
    } else {
        None
    }
}

fn stateful_set_progress(set: &StatefulSet) -> Option<String> {
    let name = set.name_any();
    if !stateful_set_is_observed(set) {
        return Some(format!("{name}: not begun"));
    }
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = set.status.clone().unwrap_or_default();
    let [updated, ready] = [status.updated_replicas, status.ready_replicas].map(Option::unwrap_or_default);
    if status.update_revision != status.current_revision {
        Some(format!("{name}: {updated} of {wanted} pods are made anew"))
    } else if ready < wanted {
        Some(format!("{name}: {ready} of {wanted} pods are ready"))
    } else if status.replicas > wanted {
        Some(format!("{name}: pods still run that are too many: {}", status.replicas - wanted))
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

    #[test]
    fn a_release_that_runs_is_complete() {
        let snapshot = ready();
        assert!(snapshot.unfinished().is_empty(), "{:?}", snapshot.unfinished());
        assert_eq!(snapshot.current_pods().len(), 3);
        assert!(snapshot.current_pods().iter().all(|it| pod::is_ready(it) && pod::problem(it).is_none()));
        assert_eq!(snapshot.ingress_urls(), ["http://todo.local"]);
    }

    #[test]
    fn what_the_controller_has_not_seen_yet_is_not_complete() {
        let mut snapshot = ready();
        *snapshot.deployments[0].metadata.generation.as_mut().unwrap() += 1;
        *snapshot.stateful_sets[0].metadata.generation.as_mut().unwrap() += 1;
        assert_eq!(snapshot.unfinished(), ["todo-backend: not begun", "todo-postgres: not begun"]);
        // Their pods may still be those of the revision before.
        assert_eq!(snapshot.current_pods().len(), 1);
    }

    #[test]
    fn every_count_is_looked_at() {
        let changes: [fn(&mut Snapshot); 9] = [
            |it| deployment(it).updated_replicas = None,
            |it| deployment(it).replicas = Some(2),
            |it| deployment(it).available_replicas = None,
            |it| it.deployments[0].spec.as_mut().unwrap().replicas = Some(2),
            |it| it.deployments[0].spec.as_mut().unwrap().replicas = Some(0),
            |it| stateful_set(it).ready_replicas = None,
            |it| stateful_set(it).replicas = 2,
            |it| stateful_set(it).update_revision = Some("new".into()),
            |it| {
                stateful_set(it).update_revision = Some("new".into());
                stateful_set(it).updated_replicas = None;
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut snapshot = ready();
            change(&mut snapshot);
            assert_eq!(snapshot.unfinished().len(), 1, "change {index}");
        }
    }

    fn deployment(snapshot: &mut Snapshot) -> &mut k8s_openapi::api::apps::v1::DeploymentStatus {
        snapshot.deployments[0].status.as_mut().unwrap()
    }

    fn stateful_set(snapshot: &mut Snapshot) -> &mut k8s_openapi::api::apps::v1::StatefulSetStatus {
        snapshot.stateful_sets[0].status.as_mut().unwrap()
    }

    #[test]
    fn pods_that_the_cluster_refuses_are_reported() {
        let snapshot = Snapshot::read(include_str!("fixtures/quota.json")).unwrap();
        assert!(!snapshot.unfinished().is_empty());
        let problems = snapshot.problems();
        let (_, refusal) = problems.iter().find(|(name, _)| name == "todo-backend").unwrap();
        assert!(refusal.description.contains("exceeded quota"), "{}", refusal.description);
    }

    #[test]
    fn pods_of_an_older_revision_do_not_count() {
        let mut snapshot = Snapshot::read(include_str!("fixtures/image.json")).unwrap();
        // The next revision has begun, and the broken pod is about to go.
        let mut newest = snapshot.replica_sets[0].clone();
        newest.metadata.uid = Some("newest".into());
        newest.annotations_mut().insert("deployment.kubernetes.io/revision".into(), "1000".into());
        for deployment in &snapshot.deployments {
            newest.owner_references_mut()[0].uid = deployment.uid().unwrap();
            snapshot.replica_sets.push(newest.clone());
        }
        assert!(snapshot.current_pods().iter().all(|it| pod::problem(it).is_none()));
    }
}
