//! Why a pod does not become ready: its events and the last lines of its logs.

use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use kube::{
    ResourceExt,
    api::{ListParams, LogParams},
};

use super::pod;
use crate::kubernetes::KubeClient;

/// How many events of an object are shown.
const MAX_EVENTS: usize = 5;
/// How many lines of a container's log are shown.
const MAX_LOG_LINES: i64 = 10;

/// The reasons as lines for the user, without the pod's name.
pub async fn pod(kube: &KubeClient, pod: &Pod) -> Vec<String> {
    let name = pod.name_any();
    let mut lines = events(kube, &name).await;
    for container in pod::containers(pod).filter(|container| !container.ready) {
        lines.extend(logs(kube, &name, container).await);
    }
    lines
}

/// The last warnings about an object; if there are none, its last events.
pub async fn events(kube: &KubeClient, object: &str) -> Vec<String> {
    let about = ListParams::default().fields(&format!("involvedObject.name={object}"));
    match kube.list(&about).await {
        Ok(events) => event_lines(events),
        Err(error) => vec![format!("its events cannot be read: {error:#}")],
    }
}

fn event_lines(mut events: Vec<Event>) -> Vec<String> {
    let is_warning = |event: &Event| event.type_.as_deref() == Some("Warning");
    if events.iter().any(is_warning) {
        events.retain(is_warning);
    }
    events.sort_by_key(|event| {
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        last.or_else(|| event.event_time.as_ref().map(|time| time.0))
    });
    let line = |event: &Event| {
        let [reason, message] = [&event.reason, &event.message].map(|text| text.as_deref().unwrap_or_default());
        format!("event {reason}: {}", message.trim())
    };
    let mut lines: Vec<String> = events.iter().map(line).collect();
    // The same failure is often reported several times.
    lines.dedup();
    lines.split_off(lines.len().saturating_sub(MAX_EVENTS))
}

async fn logs(kube: &KubeClient, pod: &str, container: &ContainerStatus) -> Vec<String> {
    let name = &container.name;
    let mut lines = Vec::new();
    // While the container waits for its next run, its log is that of the last run.
    let runs_again = container.restart_count > 0 && container.state.as_ref().is_some_and(|it| it.running.is_some());
    let runs: &[(&str, bool)] =
        if runs_again { &[(" (the run before)", true), (" (this run)", false)] } else { &[("", false)] };
    for &(run, previous) in runs {
        let parameters = LogParams {
            container: Some(name.clone()),
            tail_lines: Some(MAX_LOG_LINES),
            previous,
            ..LogParams::default()
        };
        // A container that never ran has no log.
        let Ok(text) = kube.request(kube.api::<Pod>().logs(pod, &parameters)).await else { continue };
        lines.extend(text.lines().map(|line| format!("log of {name}{run}: {}", readable(line))));
    }
    lines
}

/// A JSON line of our programs in a readable form: `ERROR message, field=value`. Other lines stay as they are.
fn readable(line: &str) -> String {
    let Ok(serde_json::Value::Object(mut entry)) = serde_json::from_str(line) else { return line.to_owned() };
    let mut take = |name: &str| entry.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (Some(level), Some(message)) = (take("level"), take("message")) else { return line.to_owned() };
    let (_, _) = (take("timestamp"), take("target"));
    let fields = entry.iter().map(|(name, value)| format!(", {name}={value}"));
    format!("{level} {message}{}", fields.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, reason: &str, at: &str) -> Event {
        let event = serde_json::json!({ "type": kind, "reason": reason, "message": "message", "lastTimestamp": at });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn lines_of_our_programs_are_made_readable() {
        let line =
            r#"{"timestamp":"now","level":"ERROR","message":"no start","target":"todo_backend","port":1,"by":"x"}"#;
        assert_eq!(readable(line), r#"ERROR no start, by="x", port=1"#);
        for other in ["PANIC: it burns", "{}", r#"{"level":1,"message":"x"}"#, "[1]"] {
            assert_eq!(readable(other), other);
        }
    }

    #[test]
    fn warnings_come_before_other_events_and_in_order() {
        let events = vec![
            event("Warning", "Second", "2026-01-01T00:00:02Z"),
            event("Normal", "Pulled", "2026-01-01T00:00:03Z"),
            event("Warning", "First", "2026-01-01T00:00:01Z"),
        ];
        assert_eq!(event_lines(events), ["event First: message", "event Second: message"]);
        assert_eq!(event_lines(vec![event("Normal", "Pulled", "2026-01-01T00:00:03Z")]), ["event Pulled: message"]);
    }
}
