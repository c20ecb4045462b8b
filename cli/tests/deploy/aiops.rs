//! `cargo todo ai-kubeconfig` and `ask`.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::fakes::{Machine, Run, in_namespace};

/// Writes down what it was given, and ends as the test says.
const KUBECTL_AI: &str = r#"
for argument; do
	case $argument in
	--kubeconfig=*) /bin/cp "${argument#*=}" "$here/asked-with" ;;
	--extra-prompt-paths=*) /bin/cp "${argument#*=}" "$here/prompt" ;;
	--trace-path=*) echo "$OPENAI_API_KEY" >"${argument#*=}"; echo "${argument#*=}" >"$here/trace" ;;
	esac
done
[ -z "$XDG_CONFIG_HOME" ] && [ -d "$HOME" ] && [ -z "$(/bin/ls -A "$HOME")" ] && echo 'an empty home'
[ "$TMPDIR" ] && : >"$TMPDIR/kubectl-ai.log"
echo "$OPENAI_API_KEY at $OPENAI_ENDPOINT"
exit $(/bin/cat "$here/exit")"#;

fn machine() -> Machine {
    let machine = Machine::ready();
    machine.program("kubectl", "");
    machine.program("kubectl-ai", KUBECTL_AI);
    machine.api.create("/api/v1/namespaces", json!({ "metadata": { "name": "todo" } }));
    machine.file("exit", "0");
    machine
}

/// The path of a kind of the API for rights, in the namespace `todo`.
fn in_rbac(kind: &str) -> String {
    format!("/apis/rbac.authorization.k8s.io/v1/namespaces/todo/{kind}")
}

fn ask(machine: &Machine, variables: &[(&str, &str)]) -> Run {
    let mut command = machine.command(&["ask", "why is the backend pod crashing?"]);
    command.envs(variables.iter().copied()).env("XDG_CONFIG_HOME", machine.path("home"));
    Run::of(&command.output().unwrap())
}

const SERVER: [(&str, &str); 3] =
    [("OPENAI_BASE_URL", "http://localhost:1/v1"), ("OPENAI_MODEL", "qwen3"), ("OPENAI_API_KEY", "the-models-key")];

#[test]
fn a_kubeconfig_has_a_token_of_the_account_and_nothing_of_the_user() {
    let machine = machine();
    let file = machine.path("assistant");
    let run = machine.todo(&["ai-kubeconfig", "--file", file.to_str().unwrap(), "--valid-for", "30m"]).succeeded();
    run.prints(&["todo-ai may look at namespace todo", "2030-01-02T03:04:05Z", file.to_str().unwrap()]);
    let [token] = &machine.calls_of("POST ")[..] else { panic!("{}", machine.calls()) };
    assert!(token.contains("/serviceaccounts/todo-ai/token"), "{token}");

    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!text.contains("the-admins-key"), "{text}");
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["users"][0]["user"]["token"], "a-token");
    let cluster = &config["clusters"][0]["cluster"];
    assert_eq!(cluster["server"], format!("http://{}/minikube", machine.api.address));
    // The authority's certificate itself, since an assistant need not have the user's files.
    assert_eq!(*cluster, json!({ "server": cluster["server"], "certificate-authority-data": "YW4gYXV0aG9yaXR5" }));
    assert_eq!(config["contexts"][0]["context"]["namespace"], "todo");

    let binding = machine.api.object(&in_rbac("rolebindings"), "todo-ai").unwrap();
    assert_eq!(binding["roleRef"]["name"], "view");
    assert!(machine.calls_of("PATCH ").iter().all(|call| call.contains("fieldManager=cargo-todo")));
}

#[test]
fn a_kubeconfig_is_renewed_but_no_other_file_is_overwritten() {
    let machine = machine();
    machine.todo(&["ai-kubeconfig"]).succeeded();
    let file = machine.path("state/deploy/minikube/todo/ai-kubeconfig");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    machine.todo(&["ai-kubeconfig"]).succeeded();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    machine.file("config", "apiVersion: v1\nkind: Config\n");
    machine.clear_calls();
    let config = machine.path("config");
    machine
        .todo(&["ai-kubeconfig", "--file", config.to_str().unwrap()])
        .failed()
        .prints(&["--file", "not a file that"]);
    assert!(machine.calls_of("PATCH ").is_empty(), "{}", machine.calls());
    assert!(fs::read_to_string(&config).unwrap().starts_with("apiVersion"));
    fs::write(&config, [0xff]).unwrap();
    machine.todo(&["ai-kubeconfig", "--file", config.to_str().unwrap()]).failed().prints(&["not a file that"]);
    assert_eq!(fs::read(&config).unwrap(), [0xff]);

    let run = machine.todo(&["ai-kubeconfig", "--valid-for", "1m"]);
    assert_eq!(run.code, Some(2));
    run.prints(&["--valid-for", "at least 10m"]);
}

#[test]
fn rights_are_given_only_where_there_is_a_namespace_and_down_takes_them() {
    let machine = machine();
    machine.todo(&["ai-kubeconfig"]).succeeded();
    let others = json!({ "metadata": { "name": "others", "labels": { "app.kubernetes.io/managed-by": "Helm" } } });
    machine.api.create(&in_namespace("serviceaccounts"), others);
    machine.todo(&["down"]).succeeded().prints(&["removed the rights of assistants"]);
    for (kind, name) in [("rolebindings", "todo-ai"), ("rolebindings", "todo-ai-metrics"), ("roles", "todo-ai-metrics")]
    {
        assert!(machine.api.object(&in_rbac(kind), name).is_none(), "{kind}/{name}");
    }
    assert!(machine.api.object(&in_namespace("serviceaccounts"), "todo-ai").is_none());
    assert!(machine.api.object(&in_namespace("serviceaccounts"), "others").is_some());
    assert!(!machine.path("state/deploy/minikube/todo/ai-kubeconfig").exists());

    let machine = Machine::ready();
    machine.todo(&["ai-kubeconfig"]).failed().prints(&["there is no namespace todo", "cargo todo deploy"]);
}

#[test]
fn a_question_goes_to_kubectl_ai_with_the_backends_model_and_the_accounts_rights() {
    let machine = machine();
    ask(&machine, &SERVER).succeeded().prints(&["the-models-key at http://localhost:1/v1", "an empty home"]);
    let call = machine.calls_of("kubectl-ai").remove(0);
    for part in [
        "--quiet --skip-permissions=false --remove-workdir",
        "--llm-provider openai --model qwen3",
        "-- why is the backend pod crashing?",
    ] {
        assert!(call.contains(part), "{call}");
    }
    assert!(!call.contains("key"), "{call}");
    assert!(fs::read_to_string(machine.path("asked-with")).unwrap().contains("a-token"));
    assert!(fs::read_to_string(machine.path("prompt")).unwrap().contains("deployment/todo-backend"));
    let trace = fs::read_to_string(machine.path("trace")).unwrap();
    assert!(!fs::exists(trace.trim()).unwrap(), "the trace is left behind");

    machine.file("exit", "1");
    ask(&machine, &SERVER).failed();
    machine.file("exit", "7");
    assert_eq!(ask(&machine, &SERVER).code, Some(7));
}

#[test]
fn before_kubectl_ai_is_asked_what_is_missing_is_named() {
    let machine = machine();
    ask(&machine, &[]).failed().prints(&["there is no model to ask", "OPENAI_API_KEY", "OPENAI_BASE_URL"]);
    assert_eq!(machine.calls(), "");
    fs::remove_file(machine.path("bin/kubectl")).unwrap();
    ask(&machine, &SERVER).failed().prints(&["kubectl is not installed", "cargo todo doctor"]);
    fs::remove_file(machine.path("bin/kubectl-ai")).unwrap();
    ask(&machine, &SERVER).failed().prints(&["kubectl-ai is not installed", "nix develop", "kubectl krew install ai"]);
}
