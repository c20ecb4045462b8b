//! How images get into a cluster.

use std::fs;

use todo::images::archive;

use crate::fakes::{Machine, archive as make_archive, id, images, tag};

const DEPLOY: &[&str] = &["deploy", "--no-forward"];

#[test]
fn both_images_are_built_and_loaded_under_the_digest_of_their_content() {
    let machine = Machine::ready();
    machine.todo(DEPLOY).succeeded();
    for part in ["backend", "frontend"] {
        let loaded = machine.path(&format!("loaded-todo-{part}-{}.tar", tag(part)));
        let contents = archive::read(&loaded).unwrap();
        assert_eq!(contents.id, id(part));
        assert_eq!(contents.tags, [format!("docker.io/library/todo-{part}:{}", tag(part))]);
    }
    let builds = machine.calls_of("docker build ");
    assert_eq!(builds.len(), 2);
    assert!(
        builds.iter().all(|call| call.contains("--build-arg VERSION=0.") && call.contains("--build-arg REVISION="))
    );
    assert!(machine.calls_of("helm upgrade")[0].contains("--kube-context minikube --namespace todo"));
    let values = fs::read_to_string(machine.path("state/deploy/minikube/todo/images.json")).unwrap();
    assert!(values.contains(&tag("backend")) && values.contains(&tag("frontend")), "{values}");
}

#[test]
fn an_image_that_is_there_is_not_loaded_again() {
    let machine = Machine::ready();
    let backend = format!(r#"[{{"id":"{}","repoTags":["todo-backend:{}"]}}]"#, id("backend"), tag("backend"));
    machine.file("cluster-images.json", &backend);
    machine.todo(DEPLOY).succeeded().prints(&["todo-backend:", "is there already", "todo-frontend:", "is loaded"]);
    let loads = machine.calls_of("minikube --profile minikube image load");
    assert!(loads.len() == 1 && loads[0].contains("todo-frontend"), "{loads:?}");
}

#[test]
fn an_image_that_does_not_arrive_is_a_failure_although_minikube_reports_none() {
    for listed in ["[]".to_owned(), images().replace(&id("backend"), &id("another"))] {
        let machine = Machine::ready();
        machine.file("images-after-load.json", &listed);
        machine.todo(DEPLOY).failed().prints(&["did not arrive", "todo-", "Minikube's profile minikube"]);
        assert!(machine.calls_of("helm upgrade").is_empty(), "{}", machine.calls());
    }
}

#[test]
fn a_build_that_fails_ends_with_the_last_lines() {
    let machine = Machine::ready();
    machine.program("docker", "[ $1 = version ] && exit\necho 'error: expected `;`' >&2\nexit 17");
    machine.todo(DEPLOY).failed().prints(&["docker build", "17", "expected `;`"]);
}

#[test]
fn archives_are_taken_as_they_are() {
    let machine = Machine::ready();
    let paths = ["backend", "frontend"].map(|part| machine.path(&format!("todo-{part}.tar")).display().to_string());
    machine.todo(&["deploy", "--no-forward", "--images", &format!("nix:{}", paths.join(","))]).succeeded();
    assert!(machine.calls_of("docker").is_empty());
    assert!(machine.path(&format!("loaded-todo-backend-{}.tar", tag("backend"))).exists());

    let only = format!("nix:{}", paths[0]);
    machine.todo(&["deploy", "--no-forward", "--images", &only]).failed().prints(&["no image of todo-frontend"]);
}

#[test]
fn what_nix_hands_over_is_written_out_only_when_it_is_missing() {
    let machine = Machine::ready();
    let paths = ["backend", "frontend"].map(|part| {
        let path = machine.path(&format!("handover-{part}"));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("name"), format!("todo-{part}")).unwrap();
        fs::write(path.join("id"), id(part)).unwrap();
        let archive = machine.path(&format!("todo-{part}.tar"));
        machine.program(&format!("../handover-{part}/archive"), &format!("/bin/cp {} \"$1\"", archive.display()));
        path.display().to_string()
    });
    let backend = format!(r#"[{{"id":"{}","repoTags":["todo-backend:{}"]}}]"#, id("backend"), tag("backend"));
    machine.file("cluster-images.json", &backend);
    fs::remove_file(machine.path("handover-backend/archive")).unwrap();

    machine.todo(&["deploy", "--no-forward", "--images", &format!("nix:{}", paths.join(","))]).succeeded();
    let loaded = machine.path(&format!("loaded-todo-frontend-{}.tar", tag("frontend")));
    assert_eq!(archive::read(&loaded).unwrap().id, id("frontend"));
    assert!(machine.calls_of("docker").is_empty());
}

#[test]
fn images_of_the_monitoring_are_brought_only_with_it() {
    let machine = Machine::ready();
    let paths = ["backend", "frontend", "prometheus", "grafana"].map(|part| {
        let path = machine.path(&format!("todo-{part}.tar"));
        make_archive(&path, part);
        path.display().to_string()
    });
    let source = format!("nix:{}", paths.join(","));
    let images = || fs::read_to_string(machine.path("state/deploy/minikube/todo/images.json")).unwrap();
    let is_loaded = |part| machine.path(&format!("loaded-todo-{part}-{}.tar", tag(part))).exists();
    machine.todo(&["deploy", "--no-forward", "--images", &source]).succeeded();
    assert!(is_loaded("backend") && !is_loaded("prometheus") && !is_loaded("grafana"));
    assert!(!images().contains("monitoring"), "{}", images());

    machine.file("cluster-images.json", "[]");
    machine.todo(&["deploy", "--no-forward", "--images", &source, "--monitoring"]).succeeded();
    let values: serde_json::Value = serde_json::from_str(&images()).unwrap();
    for part in ["prometheus", "grafana"] {
        assert!(is_loaded(part), "{part}");
        let image = &values["monitoring"][part]["image"];
        assert_eq!(*image, serde_json::json!({ "repository": format!("todo-{part}"), "tag": tag(part) }));
    }
}

#[test]
fn another_chart_than_the_checkouts_can_be_named() {
    let machine = Machine::ready();
    let chart = machine.path("chart");
    fs::create_dir(&chart).unwrap();
    fs::write(chart.join("values-minikube.yaml"), "{}").unwrap();
    machine.todo(&["deploy", "--no-forward", "--chart", chart.to_str().unwrap()]).succeeded();
    assert!(machine.calls_of("helm upgrade")[0].contains(chart.to_str().unwrap()), "{}", machine.calls());
}

#[test]
fn kind_loads_archives_and_every_node_is_asked_for_them() {
    let machine = Machine::ready();
    machine.file("cluster-images.json", r#"{"images":[]}"#);
    machine.program(
        "kind",
        r#"case "$1 $2" in
"get clusters") echo kind ;;
"get nodes") echo kind-control-plane; echo kind-worker ;;
"load image-archive") : >"$here/loaded-there" ;;
*) exit 9 ;;
esac"#,
    );
    let docker = fs::read_to_string(machine.path("bin/docker")).unwrap();
    let listing = format!(
        "case \"$*\" in exec*crictl*) [ -e \"$here/loaded-there\" ] && echo '{{\"images\":{}}}' || echo '{{\"images\":[]}}'; exit ;; esac\n",
        images(),
    );
    let docker = docker.split_once("calls\"\n").unwrap().1.to_owned();
    machine.program("docker", &format!("{listing}{docker}"));

    machine.todo(&["deploy", "--no-forward", "--cluster", "kind"]).succeeded();
    assert_eq!(machine.calls_of("kind load image-archive --name kind ").len(), 2);
    assert!(!machine.calls_of("docker exec kind-worker crictl images").is_empty());
    assert!(machine.calls_of("helm upgrade")[0].contains("--kube-context kind-kind"));
    assert!(machine.calls_of("minikube").is_empty());
}

const REGISTRY: &[&str] = &["deploy", "--no-forward", "--cluster", "localhost:5000/team", "--context", "elsewhere"];

#[test]
fn a_registry_is_pushed_to_by_skopeo_and_named_in_the_values() {
    let machine = Machine::ready();
    let manifest = |part: &str| format!(r#"{{"config":{{"digest":"sha256:{}"}}}}"#, id(part));
    machine.file("backend.json", &manifest("backend"));
    machine.file("frontend.json", &manifest("frontend"));
    machine.program(
        "skopeo",
        r#"case "$*" in *backend*) part=backend ;; *) part=frontend ;; esac
case "$1" in
inspect) [ -e "$here/pushed-$part" ] && /bin/cat "$here/$part.json" ;;
--insecure-policy) : >"$here/pushed-$part" ;;
*) echo "Error loading trust policy: open /etc/containers/policy.json: no such file or directory" >&2; exit 1 ;;
esac"#,
    );
    machine.todo(REGISTRY).succeeded();
    let copies = machine.calls_of("skopeo --insecure-policy copy --dest-tls-verify=false docker-archive:");
    assert_eq!(copies.len(), 2);
    let target = format!("docker://localhost:5000/team/todo-backend:{}", tag("backend"));
    assert!(copies.iter().any(|call| call.ends_with(&target)), "{copies:?}");
    let values = fs::read_to_string(machine.path("state/deploy/elsewhere/todo/images.json")).unwrap();
    assert!(values.contains("localhost:5000/team/todo-backend"), "{values}");

    machine.clear_calls();
    machine.todo(REGISTRY).succeeded();
    assert!(machine.calls_of("skopeo --insecure-policy copy").is_empty());
}

#[test]
fn without_skopeo_docker_pushes() {
    let machine = Machine::ready();
    machine.file("backend.json", &format!(r#"{{"config":{{"digest":"sha256:{}"}}}}"#, id("backend")));
    let docker = fs::read_to_string(machine.path("bin/docker")).unwrap();
    let docker = docker.split_once("calls\"\n").unwrap().1.to_owned();
    let registry = r#"case "$1" in load|push) exit ;; manifest) /bin/cat "$here/backend.json"; exit ;; esac"#;
    machine.program("docker", &format!("{registry}\n{docker}"));
    // It lists the backend's for both: what was pushed as the frontend did not arrive.
    machine.todo(REGISTRY).failed().prints(&["todo-frontend", "did not arrive in the registry localhost:5000/team"]);
    assert_eq!(machine.calls_of("docker push localhost:5000/team/todo-frontend:").len(), 1);
    assert!(machine.calls_of("docker push localhost:5000/team/todo-backend:").is_empty());
}

#[test]
fn two_parts_in_one_file_name_are_told_apart_by_the_name_in_the_archive() {
    let machine = Machine::ready();
    let (a, b) = (machine.path("frontend-of-backend.tar"), machine.path("other.tar"));
    make_archive(&a, "backend");
    make_archive(&b, "frontend");
    let source = format!("nix:{},{}", b.display(), a.display());
    machine.todo(&["deploy", "--no-forward", "--images", &source]).succeeded();
}
