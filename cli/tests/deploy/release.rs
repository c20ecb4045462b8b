//! From images to a release that runs, or to the reasons why it does not.

use serde_json::json;

use crate::fakes::Machine;

const DEPLOY: &[&str] = &["deploy", "--no-forward"];

#[test]
fn a_release_is_installed_in_a_namespace_of_its_own_and_waited_for() {
    let machine = Machine::ready();
    machine.todo(DEPLOY).succeeded().prints(&["made the namespace todo", "http://todo.local", "every pod is ready"]);
    assert_eq!(machine.calls_of("POST /minikube/api/v1/namespaces?").len(), 1, "{}", machine.calls());
    let labels = &machine.api.object("/api/v1/namespaces", "todo").unwrap()["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    // Every call says where it is meant for.
    let requests = [machine.calls_of("GET "), machine.calls_of("POST ")].concat();
    assert!(requests.len() > 5, "{}", machine.calls());
    for request in requests {
        let is_of_todo =
            request.contains("/namespaces/todo") || request.starts_with("POST /minikube/api/v1/namespaces?");
        assert!(request.contains(" /minikube/") && is_of_todo, "{request}");
    }
    for call in machine.calls_of("helm ") {
        assert!(call.contains("--kube-context minikube --namespace todo"), "{call}");
    }
}

#[test]
fn an_unchanged_release_is_not_upgraded() {
    let machine = Machine::ready();
    machine.todo(DEPLOY).succeeded();
    assert_eq!(machine.calls_of("helm upgrade").len(), 1);

    machine.clear_calls();
    machine.todo(DEPLOY).succeeded().prints(&["is up to date"]);
    assert!(machine.calls_of("helm upgrade").is_empty(), "{}", machine.calls());

    // A value more is a change.
    machine.todo(&["deploy", "--no-forward", "--set", "backend.replicas=2"]).succeeded();
    assert!(machine.calls_of("helm upgrade")[0].ends_with(" --set backend.replicas=2"));
}

#[test]
fn monitoring_is_a_value_that_the_user_can_add_to() {
    let machine = Machine::ready();
    machine.todo(&["deploy", "--no-forward", "--monitoring", "--set", "monitoring.grafana.enabled=false"]).succeeded();
    let upgrade = &machine.calls_of("helm upgrade")[0];
    assert!(upgrade.ends_with(" --set monitoring.enabled=true --set monitoring.grafana.enabled=false"), "{upgrade}");
}

#[test]
fn a_release_with_a_deleted_workload_is_made_whole() {
    let machine = Machine::ready();
    machine.todo(DEPLOY).succeeded();
    machine.clear_calls();
    let objects = std::fs::read_to_string(machine.path("objects.json")).unwrap();
    machine.file("objects.json", &objects.replace(r#""name":"todo-frontend""#, r#""name":"gone""#));
    machine.todo(DEPLOY).succeeded();
    assert_eq!(machine.calls_of("helm upgrade").len(), 1);
}

#[test]
fn values_of_the_user_come_last() {
    let machine = Machine::ready();
    machine.file("mine.yaml", "backend: {}");
    let mine = machine.path("mine.yaml").display().to_string();
    machine.todo(&["deploy", "--no-forward", "--values", &mine, "--set", "a=b"]).succeeded();
    let call = &machine.calls_of("helm upgrade")[0];
    let position = |what: &str| call.find(what).unwrap_or_else(|| panic!("{what} is missing in {call}"));
    assert!(position("values-minikube.yaml") < position("images.json"));
    assert!(position("images.json") < position("mine.yaml"));

    let missing = ["deploy", "--no-forward", "--values", "no-such.yaml"];
    machine.todo(&missing).failed().prints(&["cannot read the values file no-such.yaml"]);
}

#[test]
fn what_helm_refuses_is_shown() {
    let machine = Machine::ready();
    machine.program(
        "helm",
        "case $1 in status) echo 'Error: release: not found' >&2 ;; *) echo 'additional properties replica not allowed' >&2 ;; esac\nexit 1",
    );
    let run = machine.todo(&["deploy", "--no-forward", "--set", "backend.replica=2"]);
    run.failed().prints(&["helm refuses the release", "additional properties replica not allowed"]);
}

#[test]
fn a_release_that_helm_left_half_done_is_named_with_the_way_out() {
    let machine = Machine::ready();
    machine
        .file("release.json", r#"{"version":4,"info":{"status":"pending-upgrade","description":"Preparing upgrade"}}"#);
    machine.todo(DEPLOY).failed().prints(&["pending-upgrade", "rollback todo 3"]);
    assert!(machine.calls_of("helm upgrade").is_empty());
}

/// A second revision whose backend cannot start.
fn broken() -> Machine {
    let machine = Machine::ready();
    machine.todo(DEPLOY).succeeded();
    machine.file("objects.json", include_str!("../../src/rollout/fixtures/crash.json"));
    let warning = |reason: &str, pod: &str| {
        json!({ "type": "Warning", "reason": reason, "message": "Back-off restarting failed container",
            "involvedObject": { "name": pod }, "lastTimestamp": "2026-01-01T00:00:00Z" })
    };
    let events = [warning("BackOff", "todo-frontend-7bc657d4df-dzq94"), warning("Unrelated", "another-pod")];
    machine.file("events.json", &json!({ "items": events }).to_string());
    machine.clear_calls();
    machine
}

const BROKEN: &[&str] = &["deploy", "--no-forward", "--set", "config.logLevel=nonsense"];

#[test]
fn pods_that_fail_are_explained_and_the_way_back_is_named() {
    let machine = broken();
    let run = machine.todo(BROKEN).failed().prints(&[
        "ended 3 times, at last with exit code 1",
        "event BackOff: Back-off restarting failed container",
        "LOG_LEVEL must be one of off, error",
        "the old pods go on serving",
        "helm --kube-context minikube --namespace todo rollback todo 1",
    ]);
    assert!(!run.text.contains("Unrelated"), "{}", run.text);
    assert!(machine.calls_of("helm rollback").is_empty());
}

#[test]
fn the_way_back_is_to_a_revision_that_ran() {
    let machine = broken();
    machine.todo(BROKEN).failed().prints(&["rollback todo 1"]);
    // Neither the revision before, which did not run,
    machine.todo(&["deploy", "--no-forward", "--set", "config.logLevel=other"]).failed().prints(&["rollback todo 1"]);
    // nor one of a release that is gone.
    machine.todo(&["down"]).succeeded();
    std::fs::remove_file(machine.path("release.json")).unwrap();
    std::fs::remove_file(machine.path("version")).unwrap();
    machine.todo(BROKEN).failed().prints(&["the application does not run", "cargo todo down"]);
}

#[test]
fn with_rollback_the_revision_before_runs_again() {
    let machine = broken();
    // Going back brings the pods of before.
    let ready = machine.path("ready.json");
    std::fs::write(&ready, include_str!("../../src/rollout/fixtures/ready.json")).unwrap();
    let helm = std::fs::read_to_string(machine.path("bin/helm")).unwrap();
    let helm = helm.split_once("calls\"\n").unwrap().1.to_owned();
    let back = r#"[ "$1" = rollback ] && exec /bin/cp "$here/ready.json" "$here/objects.json""#;
    machine.program("helm", &format!("{back}\n{helm}"));
    let mut arguments = BROKEN.to_vec();
    arguments.push("--rollback");
    machine.todo(&arguments).failed().prints(&["ended 3 times", "revision 1 runs again"]);
    assert_eq!(machine.calls_of("helm rollback todo 1 ").len(), 1);
}

#[test]
fn waiting_has_a_limit() {
    let machine = Machine::ready();
    let objects = include_str!("../../src/rollout/fixtures/ready.json");
    machine.file(
        "objects.json",
        &objects
            .replace(r#""readyReplicas":1"#, r#""readyReplicas":0"#)
            .replace(r#""availableReplicas":1"#, r#""availableReplicas":0"#),
    );
    let run = machine.todo(&["deploy", "--no-forward", "--timeout", "1s"]).failed();
    run.prints(&["not ready within 1 s", "todo-backend: 0 of 1 pods are ready"]);
}
