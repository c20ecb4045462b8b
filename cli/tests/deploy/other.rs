//! Before a deployment and after it: the machine, the context, `status`, `verify`, `down`, `box`.

use crate::fakes::{Machine, id, images};

#[test]
fn without_docker_the_way_out_is_named() {
    let machine = Machine::bare();
    machine.todo(&["deploy"]).failed().prints(&["Minikube is not installed", "cargo todo doctor"]);
    machine.program("minikube", "");
    let run = machine.todo(&["deploy"]).failed();
    let run = run.prints(&["docker is not installed", "podman is not installed", "cargo todo doctor"]);
    let can_run_a_box = cfg!(target_os = "linux") && nix::unistd::Uid::effective().is_root();
    assert_eq!(run.text.contains("--box"), can_run_a_box, "{}", run.text);
}

#[test]
fn a_docker_that_does_not_answer_is_told_from_none() {
    let machine = Machine::bare();
    machine.program("minikube", "");
    machine.program("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    machine
        .todo(&["deploy", "--images", "docker"])
        .failed()
        .prints(&["docker does not answer: Cannot connect to the Docker daemon"]);
}

#[test]
fn a_stopped_minikube_is_started_and_said_so() {
    let machine = Machine::ready();
    machine.program(
        "minikube",
        r#"case "$*" in
*" status") [ -e "$here/started" ] || exit 7 ;;
"start --profile minikube") : >"$here/started" ;;
*" image ls "*) /bin/cat "$here/images-after-load.json" ;;
*) exit 9 ;;
esac"#,
    );
    machine.todo(&["status"]).failed().prints(&["does not run", "minikube start --profile minikube"]);
    machine
        .todo(&["deploy", "--no-forward"])
        .succeeded()
        .prints(&["does not run: starting it by `minikube start --profile minikube`"]);
    machine.program("minikube", "case $1 in start) echo 'X Exiting due to GUEST_PROVISION' >&2 ;; esac\nexit 80");
    machine.todo(&["deploy", "--no-forward"]).failed().prints(&["minikube start", "GUEST_PROVISION"]);
}

#[test]
fn a_context_elsewhere_is_refused_unless_it_is_named() {
    let machine = Machine::ready();
    machine.program("skopeo", "exit 1");
    machine.program(
        "kubectl",
        r#"case "$*" in
"config current-context") echo production ;;
*" config view "*) echo https://10.1.2.3:6443 ;;
*) exit 9 ;;
esac"#,
    );
    let deploy = ["deploy", "--no-forward", "--cluster", "registry.example.com/team"];
    machine.todo(&deploy).failed().prints(&["`production` is not a cluster on this machine", "--context production"]);
    assert!(machine.calls_of("docker build").is_empty() && machine.calls_of("helm").is_empty(), "{}", machine.calls());

    let named = [&deploy[..], &["--context", "production"]].concat();
    machine.todo(&named).failed();
    assert!(machine.calls_of("helm status")[0].contains("--kube-context production"), "{}", machine.calls());
}

#[test]
fn status_shows_the_pods_and_fails_when_one_is_not_ready() {
    let machine = Machine::ready();
    machine.todo(&["status"]).failed().prints(&["there is no release todo in namespace todo", "cargo todo deploy"]);
    machine.file("release.json", r#"{"version":3,"info":{"status":"deployed","description":""}}"#);
    let run = machine.todo(&["status"]).succeeded();
    run.prints(&["revision 3, deployed", "http://todo.local", "todo-postgres-0", "ready", "postgres:17.10-trixie"]);
    machine.file("objects.json", include_str!("../../src/rollout/fixtures/crash.json"));
    machine.todo(&["status"]).failed().prints(&["CrashLoopBackOff", "not everything is ready: todo-"]);
}

#[test]
fn verify_tells_pods_that_are_not_from_this_tree() {
    let machine = Machine::ready();
    machine.file("cluster-images.json", &images());
    let objects = include_str!("../../src/rollout/fixtures/ready.json");
    let parse: serde_json::Value = serde_json::from_str(objects).unwrap();
    let running = |part: &str| {
        let pods = parse["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "Pod");
        let mut of_part = pods.filter(|pod| pod["metadata"]["labels"]["app.kubernetes.io/component"] == part);
        of_part.next().unwrap()["status"]["containerStatuses"][0]["imageID"].as_str().unwrap().to_owned()
    };
    let run = machine.todo(&["verify"]).failed();
    run.prints(&["different", "not from this tree: todo-backend-"]);

    let backend = objects.replace(&running("backend"), &format!("sha256:{}", id("backend")));
    machine.file("objects.json", &backend);
    let run = machine.todo(&["verify"]).failed().prints(&["not from this tree: todo-frontend-"]);
    assert!(!run.text.contains("tree: todo-backend"), "{}", run.text);

    let both =
        backend.replace(&running("frontend"), &format!("docker.io/library/todo-frontend@sha256:{}", id("frontend")));
    machine.file("objects.json", &both);
    let run = machine.todo(&["verify"]).succeeded();
    assert!(!run.text.contains("different"), "{}", run.text);
}

#[test]
fn down_keeps_the_data_and_says_so() {
    let machine = Machine::ready();
    machine.todo(&["deploy", "--no-forward"]).succeeded();
    let run = machine.todo(&["down"]).succeeded();
    run.prints(&[
        "removed the release",
        "kept: persistentvolumeclaim/data-todo-postgres-0, secret/todo-secrets",
        "--purge",
    ]);
    assert_eq!(machine.calls_of("helm uninstall todo").len(), 1);
    // Assistants' rights, which are no data.
    let calls = machine.calls();
    let mut deletions = calls.lines().filter(|call| call.contains(" delete "));
    assert!(deletions.all(|call| call.contains(" delete rolebindings,roles,serviceaccounts ")), "{calls}");
}

#[test]
fn purge_asks_and_where_nobody_can_answer_it_refuses() {
    let machine = Machine::ready();
    machine.todo(&["deploy", "--no-forward"]).succeeded();
    machine.todo(&["down", "--purge"]).failed().prints(&["no terminal to ask", "--yes"]);
    assert!(machine.calls_of("helm uninstall").is_empty() && !machine.calls().contains(" delete "));

    machine
        .todo(&["down", "--purge", "--yes"])
        .succeeded()
        .prints(&["removed persistentvolumeclaim/data-todo-postgres-0"]);
    let delete = "delete --ignore-not-found persistentvolumeclaim/data-todo-postgres-0 secret/todo-secrets";
    assert!(machine.calls().contains(delete), "{}", machine.calls());
    // The namespace is not ours.
    assert!(!machine.calls().contains("delete namespace"));
}

#[test]
fn purge_removes_a_namespace_that_deploy_made() {
    let machine = Machine::ready();
    let kubectl = std::fs::read_to_string(machine.path("bin/kubectl")).unwrap();
    let kubectl = kubectl.split_once("calls\"\n").unwrap().1.to_owned();
    machine.program(
        "kubectl",
        &format!("case \"$*\" in *' get namespaces '*) echo namespace/todo; exit ;; esac\n{kubectl}"),
    );
    machine.todo(&["down", "--purge", "--yes"]).succeeded().prints(&["removed the namespace todo"]);
    assert!(machine.calls().contains(" delete namespace todo"), "{}", machine.calls());
}

#[test]
fn doctor_names_what_is_missing_with_the_fix() {
    let machine = Machine::bare();
    let run = machine.todo(&["doctor"]);
    let run = run.prints(&[
        "docker is not installed",
        "https://docs.docker.com",
        "https://helm.sh",
        "https://minikube.sigs.k8s.io",
    ]);
    let can_run_a_box = cfg!(target_os = "linux") && nix::unistd::Uid::effective().is_root();
    assert_eq!(run.code, Some(i32::from(!can_run_a_box)), "{}", run.text);

    let machine = Machine::ready();
    machine.program("helm", "echo v3.9.4");
    let run = machine.todo(&["doctor"]);
    run.prints(&["ok   images     docker 28.2.2 builds them", "v3.9.4 is too old"]);
}

#[test]
fn doctor_outside_of_a_checkout_checks_only_what_deploys() {
    let machine = Machine::ready();
    let run = machine.todo_in(&machine.path("home"), &["doctor"]);
    let run =
        run.prints(&["ok   images     docker 28.2.2 builds them", "ok   box        not needed, and cannot run here"]);
    for absent in ["No such file", "from the checkout"] {
        assert!(!run.text.contains(absent), "{absent}: {}", run.text);
    }
}

#[test]
fn doctor_says_before_a_build_whether_nix_can_build_for_linux() {
    let machine = Machine::bare();
    machine.todo(&["doctor", "--nix"]).failed().prints(&["Nix is not installed"]);

    let nix = |system: &str| {
        let settings = format!(
            r#"{{"system":{{"value":"{system}"}},"experimental-features":{{"value":["flakes","nix-command"]}}}}"#
        );
        format!(r#"case "$1" in --version) echo "nix (Nix) 2.34.8" ;; config) echo '{settings}' ;; esac"#)
    };
    machine.program("nix", &nix("aarch64-darwin"));
    machine.todo(&["doctor", "--nix"]).failed().prints(&["no machine that builds for aarch64-linux", "linux-builder"]);
    machine.program("nix", &nix("aarch64-linux"));
    machine.todo(&["doctor", "--nix"]).succeeded();
}
