//! `cargo todo ai-kubeconfig` and `ask`.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::fakes::{Machine, Run};

const KUBECTL: &str = r#"
case "$*" in
*" get namespace todo "*) echo namespace/todo ;;
*" apply "*) for file; do [ ! -f "$file" ] || /bin/cp "$file" "$here/applied.json"; done ;;
*" create token todo-ai "*)
	echo '{"status":{"token":"a-token","expirationTimestamp":"2030-01-02T03:04:05Z"}}' ;;
*" config view "*)
	echo '{"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1","certificate-authority-data":"ca"}}],
		"users":[{"name":"admin","user":{"client-key-data":"the-admins-key"}}]}' ;;
*" delete rolebindings,"*) echo serviceaccount/todo-ai ;;
*" get persistentvolumeclaims,"*|*" get namespaces "*) ;;
*) echo "unexpected: kubectl $*" >&2; exit 9 ;;
esac"#;

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
    machine.program("kubectl", KUBECTL);
    machine.program("kubectl-ai", KUBECTL_AI);
    machine.file("exit", "0");
    machine
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
    assert!(machine.calls().contains("create token todo-ai --duration=1800s"), "{}", machine.calls());

    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!text.contains("the-admins-key"), "{text}");
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["users"][0]["user"]["token"], "a-token");
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:1");
    assert_eq!(config["contexts"][0]["context"]["namespace"], "todo");

    let applied: Value = serde_json::from_str(&fs::read_to_string(machine.path("applied.json")).unwrap()).unwrap();
    let bound: Vec<_> = applied["items"].as_array().unwrap().iter().map(|item| &item["roleRef"]["name"]).collect();
    assert!(bound.contains(&&Value::from("view")), "{bound:?}");
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
    machine.forget_calls();
    let config = machine.path("config");
    machine
        .todo(&["ai-kubeconfig", "--file", config.to_str().unwrap()])
        .failed()
        .prints(&["--file", "not a file that"]);
    assert!(!machine.calls().contains("apply"), "{}", machine.calls());
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
    machine.todo(&["down"]).succeeded().prints(&["removed the rights of assistants"]);
    let delete = "delete rolebindings,roles,serviceaccounts --selector=app.kubernetes.io/managed-by=cargo-todo";
    assert!(machine.calls().contains(delete), "{}", machine.calls());
    assert!(!machine.path("state/deploy/minikube/todo/ai-kubeconfig").exists());

    machine.program("kubectl", r#"case "$*" in *" get namespace "*) ;; *) exit 9 ;; esac"#);
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
    fs::remove_file(machine.path("bin/kubectl-ai")).unwrap();
    ask(&machine, &SERVER).failed().prints(&["kubectl-ai is not installed", "nix develop", "kubectl krew install ai"]);
}
