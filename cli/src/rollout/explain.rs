//! Why a pod does not become ready: its events and the last lines of its logs.

use serde::Deserialize;

use super::objects::{Container, Pod};
use crate::kubectl::Kubectl;

const EVENTS: usize = 5;
const LINES: &str = "--tail=10";

#[derive(Debug, Deserialize)]
struct Events {
    items: Vec<Event>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    last_timestamp: Option<String>,
    #[serde(rename = "eventTime")]
    time: Option<String>,
}

/// The reasons as lines for the user, without the pod's name.
pub async fn pod(kubectl: &Kubectl, pod: &Pod) -> Vec<String> {
    let mut lines = events(kubectl, &pod.metadata.name).await;
    for container in pod.containers() {
        if !container.ready {
            lines.extend(logs(kubectl, &pod.metadata.name, container).await);
        }
    }
    lines
}

/// The last warnings about an object; if there are none, its last events.
pub async fn events(kubectl: &Kubectl, object: &str) -> Vec<String> {
    let selector = format!("--field-selector=involvedObject.name={object}");
    match kubectl.json::<Events>(&["get", "events", &selector]).await {
        Ok(events) => event_lines(events.items),
        Err(error) => vec![format!("its events cannot be read: {error:#}")],
    }
}

fn event_lines(mut events: Vec<Event>) -> Vec<String> {
    if events.iter().any(|event| event.kind == "Warning") {
        events.retain(|event| event.kind == "Warning");
    }
    events.sort_by_key(|event| event.last_timestamp.clone().or_else(|| event.time.clone()));
    let line = |event: &Event| format!("event {}: {}", event.reason, event.message.trim());
    let mut lines: Vec<String> = events.iter().map(line).collect();
    // The same failure is often reported several times.
    lines.dedup();
    lines.split_off(lines.len().saturating_sub(EVENTS))
}

async fn logs(kubectl: &Kubectl, pod: &str, container: &Container) -> Vec<String> {
    let name = &container.name;
    let mut lines = Vec::new();
    // While the container waits for its next run, its log is that of the last run.
    let again = container.restart_count > 0 && container.state.running.is_some();
    let runs: &[(&str, &[&str])] =
        if again { &[(" (the run before)", &["--previous"]), (" (this run)", &[])] } else { &[("", &[])] };
    for (run, option) in runs {
        let mut arguments = vec!["logs", pod, "--container", name, LINES];
        arguments.extend(*option);
        // A container that never ran has no log.
        let Ok(text) = kubectl.text(&arguments).await else { continue };
        lines.extend(text.lines().map(|line| format!("log of {name}{run}: {}", plain(line))));
    }
    lines
}

/// A JSON line of our programs in a readable form: `ERROR message, field=value`. Other lines stay as they are.
fn plain(line: &str) -> String {
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
        let (kind, reason) = (kind.to_owned(), reason.to_owned());
        Event { kind, reason, message: "message".into(), last_timestamp: Some(at.into()), time: None }
    }

    #[test]
    fn lines_of_our_programs_are_made_readable() {
        let line =
            r#"{"timestamp":"now","level":"ERROR","message":"no start","target":"todo_backend","port":1,"by":"x"}"#;
        assert_eq!(plain(line), r#"ERROR no start, by="x", port=1"#);
        for other in ["PANIC: it burns", "{}", r#"{"level":1,"message":"x"}"#, "[1]"] {
            assert_eq!(plain(other), other);
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
