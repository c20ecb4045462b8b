//! The state of a pod, and what keeps it from becoming ready.

use std::time::Duration;

use super::objects::{Condition, Container, Pod};

/// Something that keeps a pod from becoming ready and that waiting does not repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// A sentence for the user.
    pub what: String,
    /// How long it may last before it counts as a failure: some causes pass by themselves.
    pub patience: Duration,
}

impl Pod {
    pub fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True")
    }

    pub fn restarts(&self) -> u32 {
        self.containers().map(|container| container.restart_count).sum()
    }

    /// The state in a few words.
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

    /// The failure that waiting does not repair, if there is one.
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

    fn unschedulable(&self) -> Option<&Condition> {
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
        // It passes by itself when only the node's copy of a new Secret is late.
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
    use super::{
        super::objects::{Snapshot, Terminated},
        *,
    };

    fn troubles(json: &str) -> Vec<(String, Trouble)> {
        let snapshot = Snapshot::read(json).unwrap();
        assert!(!snapshot.unfinished().is_empty());
        snapshot.troubles()
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
    fn an_image_that_cannot_be_pulled_is_hopeless_at_once() {
        let text = include_str!("fixtures/image.json");
        assert!(Snapshot::read(text).unwrap().is_serving());
        let troubles = troubles(text);
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
    fn too_little_memory_of_the_node_and_of_the_container_are_told_apart() {
        let troubles = troubles(include_str!("fixtures/unschedulable.json"));
        let (_, trouble) = &troubles[0];
        assert!(trouble.what.starts_with("no node takes it: ") && trouble.what.contains("Insufficient memory"));
        assert_eq!(trouble.patience, Duration::from_secs(10));

        let end = Terminated { reason: "OOMKilled".into(), exit_code: 137 };
        let mut container = Container { name: "backend".into(), restart_count: 2, ..Container::default() };
        container.last_state.terminated = Some(end);
        assert!(crash(&container).contains("more memory than its limit"));
    }

    #[test]
    fn a_missing_secret_is_named_after_a_while() {
        let snapshot = Snapshot::read(include_str!("fixtures/config.json")).unwrap();
        // The database is replaced in place, so no old pod is left to serve.
        assert!(!snapshot.is_serving());
        let troubles = snapshot.troubles();
        let (_, trouble) = &troubles[0];
        assert!(trouble.what.contains("secret \"missing\" not found"), "{}", trouble.what);
        assert!(trouble.patience > Duration::ZERO);
    }
}
