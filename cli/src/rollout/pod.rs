//! The state of a pod, and what keeps it from becoming ready.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};

/// Something that keeps a pod from becoming ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A sentence for the user.
    pub description: String,
    /// How long it may last before waiting any longer is of no use. Some causes pass by themselves.
    pub grace_period: Duration,
}

/// What the scheduler says on a cluster that was started just now: its provisioner of storage comes up after its API
/// server, and its node may not be ready yet.
const STARTING_CLUSTER: [&str; 3] =
    ["unbound immediate PersistentVolumeClaims", "untolerated taint", "no nodes available to schedule pods"];

/// Whether the pod has the condition `Ready`.
pub fn is_ready(pod: &Pod) -> bool {
    conditions(pod).any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// How often containers of the pod were restarted, those of its initialization included.
pub fn restarts(pod: &Pod) -> i32 {
    containers(pod).map(|container| container.restart_count).sum()
}

/// The containers of the initialization, then the others.
pub fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let of_initialization = status.and_then(|status| status.init_container_statuses.as_ref());
    let others = status.and_then(|status| status.container_statuses.as_ref());
    of_initialization.into_iter().chain(others).flatten()
}

/// The state in a few words.
pub fn state(pod: &Pod) -> String {
    if is_terminating(pod) {
        return "Terminating".into();
    }
    if is_ready(pod) {
        return "ready".into();
    }
    if let Some(condition) = unschedulable(pod) {
        return condition.reason.clone().unwrap_or_default();
    }
    let Some(status) = &pod.status else { return String::new() };
    let is_initializing = |container: &&ContainerStatus| {
        let terminated = container.state.as_ref().and_then(|state| state.terminated.as_ref());
        !container.ready && terminated.is_none_or(|end| end.exit_code != 0)
    };
    if let Some(container) = status.init_container_statuses.iter().flatten().find(is_initializing) {
        return match container_state(container) {
            Some(state) if state != "PodInitializing" => format!("{}: {state}", container.name),
            _ => format!("{} runs", container.name),
        };
    }
    let phase = status.phase.clone().unwrap_or_default();
    let waiting = status.container_statuses.iter().flatten().find_map(container_state);
    waiting.unwrap_or(if phase == "Running" { "not ready yet".into() } else { phase })
}

/// What keeps the pod from becoming ready and does not pass, as far as that can be seen.
pub fn problem(pod: &Pod) -> Option<Problem> {
    if let Some(condition) = unschedulable(pod) {
        let message = condition.message.as_deref().unwrap_or_default();
        let is_starting = STARTING_CLUSTER.iter().any(|cause| message.contains(cause));
        let grace_period = Duration::from_secs(if is_starting { 120 } else { 10 });
        return Some(Problem { description: format!("no node takes it: {message}"), grace_period });
    }
    containers(pod).find_map(container_problem)
}

fn conditions(pod: &Pod) -> impl Iterator<Item = &PodCondition> {
    pod.status.iter().filter_map(|status| status.conditions.as_ref()).flatten()
}

fn unschedulable(pod: &Pod) -> Option<&PodCondition> {
    conditions(pod)
        .find(|it| it.type_ == "PodScheduled" && it.status == "False" && it.reason.as_deref() == Some("Unschedulable"))
}

fn container_state(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        return Some(waiting.reason.clone().unwrap_or_default());
    }
    let terminated = state.terminated.as_ref()?;
    Some(format!("{} ({})", terminated.reason.as_deref().unwrap_or_default(), terminated.exit_code))
}

fn container_problem(container: &ContainerStatus) -> Option<Problem> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let (name, image) = (&container.name, &container.image);
    let message = waiting.message.as_deref().unwrap_or_default();
    let (description, seconds) = match waiting.reason.as_deref()? {
        "ImagePullBackOff" | "ErrImageNeverPull" => (format!("the image {image} cannot be pulled"), 0),
        "InvalidImageName" => (format!("{image} is no image name"), 0),
        // It passes by itself when only the node's copy of a new Secret is late.
        "CreateContainerConfigError" => (format!("the configuration of {name} is incomplete: {message}"), 5),
        "CreateContainerError" | "RunContainerError" => (format!("{name} cannot be started: {message}"), 5),
        "CrashLoopBackOff" if container.restart_count >= 2 => (crash(container), 0),
        _ => return None,
    };
    Some(Problem { description, grace_period: Duration::from_secs(seconds) })
}

fn crash(container: &ContainerStatus) -> String {
    let (name, times) = (&container.name, container.restart_count + 1);
    match container.last_state.as_ref().and_then(|state| state.terminated.as_ref()) {
        Some(end) if end.reason.as_deref() == Some("OOMKilled") => {
            format!("{name} was ended {times} times: it needs more memory than its limit allows")
        }
        Some(end) => format!("{name} ended {times} times, at last with exit code {}", end.exit_code),
        None => format!("{name} ended {times} times"),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, PodStatus};

    use super::{super::Snapshot, *};

    fn problems(json: &str) -> Vec<(String, Problem)> {
        let snapshot = Snapshot::read(json).unwrap();
        assert!(!snapshot.unfinished().is_empty());
        snapshot.problems()
    }

    #[test]
    fn a_first_crash_is_no_problem_yet() {
        let mut snapshot = Snapshot::read(include_str!("fixtures/crash.json")).unwrap();
        for status in snapshot.pods.iter_mut().filter_map(|pod| pod.status.as_mut()) {
            let containers = status.container_statuses.iter_mut().chain(&mut status.init_container_statuses).flatten();
            containers.for_each(|container| container.restart_count = 1);
        }
        assert!(snapshot.current_pods().iter().all(|pod| problem(pod).is_none()));
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_a_failure_at_once() {
        let text = include_str!("fixtures/image.json");
        assert!(Snapshot::read(text).unwrap().is_serving());
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let (pod, problem) = &problems[0];
        assert!(pod.starts_with("todo-backend-"), "{pod}");
        assert_eq!(problem.description, "the image todo-backend:nosuch cannot be pulled");
        assert_eq!(problem.grace_period, Duration::ZERO);
    }

    #[test]
    fn a_program_that_crashes_repeatedly_is_described_with_its_exit_code() {
        let problems = problems(include_str!("fixtures/crash.json"));
        let descriptions: Vec<_> = problems.iter().map(|(_, problem)| problem.description.as_str()).collect();
        assert!(descriptions.contains(&"frontend ended 3 times, at last with exit code 1"), "{descriptions:?}");
    }

    #[test]
    fn too_little_memory_of_the_node_differs_from_that_of_the_container() {
        let problems = problems(include_str!("fixtures/unschedulable.json"));
        let (_, problem) = &problems[0];
        let description = &problem.description;
        assert!(description.starts_with("no node takes it: ") && description.contains("Insufficient memory"));
        assert_eq!(problem.grace_period, Duration::from_secs(10));

        let end = ContainerStateTerminated {
            reason: Some("OOMKilled".into()),
            exit_code: 137,
            ..ContainerStateTerminated::default()
        };
        let container = ContainerStatus {
            name: "backend".into(),
            restart_count: 2,
            last_state: Some(ContainerState { terminated: Some(end), ..ContainerState::default() }),
            ..ContainerStatus::default()
        };
        assert!(crash(&container).contains("more memory than its limit"));
    }

    #[test]
    fn a_cluster_that_has_just_started_gets_time_for_its_storage_and_its_node() {
        for message in [
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
            "no nodes available to schedule pods",
        ] {
            let condition = PodCondition {
                type_: "PodScheduled".into(),
                status: "False".into(),
                reason: Some("Unschedulable".into()),
                message: Some(message.into()),
                ..PodCondition::default()
            };
            let status = PodStatus { conditions: Some(vec![condition]), ..PodStatus::default() };
            let problem = problem(&Pod { status: Some(status), ..Pod::default() }).unwrap();
            assert_eq!(problem.grace_period, Duration::from_mins(2), "{message}");
        }
    }

    #[test]
    fn a_missing_secret_is_named_after_a_while() {
        let snapshot = Snapshot::read(include_str!("fixtures/config.json")).unwrap();
        // The database is replaced in place, so no old pod is left to serve.
        assert!(!snapshot.is_serving());
        let problems = snapshot.problems();
        let (_, problem) = &problems[0];
        assert!(problem.description.contains("secret \"missing\" not found"), "{}", problem.description);
        assert!(problem.grace_period > Duration::ZERO);
    }
}
