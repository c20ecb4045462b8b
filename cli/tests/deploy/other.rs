//! Before a deployment and after it: the machine, the context, `status`, `verify`, `down`, `box`.

use serde_json::json;

use crate::fakes::{Machine, id, images, in_namespace};

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
    // The first start writes the kubeconfig.
    std::fs::rename(machine.path("home/.kube"), machine.path("kube")).unwrap();
    machine.program(
        "minikube",
        r#"case "$*" in
*" status") [ -e "$here/started" ] || exit 7 ;;
"start --profile minikube") : >"$here/started"; /bin/cp -R "$here/kube" "$here/home/.kube" ;;
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
    machine.kubeconfig("production");
    let deploy = ["deploy", "--no-forward", "--cluster", "registry.example.com/team"];
    machine.todo(&deploy).failed().prints(&["`production` is not a cluster on this machine", "--context production"]);
    assert!(machine.calls_of("docker build").is_empty() && machine.calls_of("helm").is_empty(), "{}", machine.calls());

    let named = [&deploy[..], &["--context", "production"]].concat();
    machine.todo(&named).failed();
    assert!(machine.calls_of("helm status")[0].contains("--kube-context production"), "{}", machine.calls());
}

#[test]
fn a_cluster_that_does_not_answer_and_a_context_that_is_missing_are_named() {
    let machine = Machine::ready();
    let status = |context: &str| {
        let run = machine.todo(&["status", "--cluster", "localhost:5000/team", "--context", context]).failed();
        assert!(!run.text.contains("the-admins-key"), "{}", run.text);
        run
    };
    status("away").prints(&["context away", "127.0.0.1:1", "does not answer", "refused"]);
    status("nowhere").prints(&["no context `nowhere`", "minikube, kind-kind, elsewhere"]);
    std::fs::remove_file(machine.path("home/.kube/config")).unwrap();
    status("minikube").prints(&["cannot read the kubeconfig", ".kube/config"]);
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
    // Nothing but assistants' rights would be deleted, and nobody has any.
    assert!(machine.calls_of("DELETE ").is_empty(), "{}", machine.calls());
    // Names are all that has to be known of Secrets.
    assert!(machine.api.object(&in_namespace("secrets"), "todo-secrets").is_some());
}

#[test]
fn purge_asks_and_where_nobody_can_answer_it_refuses() {
    let machine = Machine::ready();
    // The namespace is not ours.
    machine.api.create("/api/v1/namespaces", json!({ "metadata": { "name": "todo" } }));
    machine.todo(&["deploy", "--no-forward"]).succeeded();
    machine.todo(&["down", "--purge"]).failed().prints(&["no terminal to ask", "--yes"]);
    assert!(machine.calls_of("helm uninstall").is_empty() && machine.calls_of("DELETE ").is_empty());

    machine
        .todo(&["down", "--purge", "--yes"])
        .succeeded()
        .prints(&["removed persistentvolumeclaim/data-todo-postgres-0"]);
    let namespace = "DELETE /minikube/api/v1/namespaces/todo";
    let deletions = [
        format!("{namespace}/persistentvolumeclaims/data-todo-postgres-0"),
        format!("{namespace}/secrets/todo-secrets"),
    ];
    assert_eq!(machine.calls_of("DELETE "), deletions);
}

#[test]
fn purge_removes_a_namespace_that_deploy_made() {
    let machine = Machine::ready();
    machine.todo(&["deploy", "--no-forward"]).succeeded();
    machine.todo(&["down", "--purge", "--yes"]).succeeded().prints(&["removed the namespace todo"]);
    assert!(machine.api.object("/api/v1/namespaces", "todo").is_none(), "{}", machine.calls());
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
    machine.program("minikube", "[ $1 != version ] || echo v1.37.0");
    let run = machine.todo(&["doctor"]);
    run.prints(&[
        "ok   images     docker 28.2.2 builds them",
        "ok   minikube   v1.37.0, and Kubernetes v1.34.1 answers",
        "v3.9.4 is too old",
        "warn kubectl    not installed: only `cargo todo ask` and you need it",
    ]);
    machine.program("kubectl", "echo Client Version: v1.30.0");
    machine.todo(&["doctor"]).prints(&["warn kubectl    v1.30.0 is too far from the cluster's v1.34.1"]);
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
