//! Small programs in the place of docker, minikube, helm and the others: each writes down how it was called.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

use crate::api::{ApiServer, Objects};

/// A machine with nothing but the programs that a test puts there.
pub struct Machine {
    /// The API server of every cluster that the kubeconfig names.
    pub api: ApiServer,
    directory: TempDir,
}

/// How a run ended and what it printed.
pub struct Run {
    pub code: Option<i32>,
    /// Of standard output and error.
    pub text: String,
}

impl Machine {
    /// With no program at all.
    pub fn bare() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let machine = Self { api: ApiServer::start(directory.path().to_owned(), Objects::default()), directory };
        for directory in ["bin", "state", "home/.kube"] {
            fs::create_dir_all(machine.path(directory)).unwrap();
        }
        machine
    }

    /// With Docker, a running Minikube that takes what it is given, and helm; nothing is deployed, and what is deployed
    /// becomes ready.
    pub fn ready() -> Self {
        let machine = Self::bare();
        machine.file("cluster-images.json", "[]");
        machine.file("images-after-load.json", &images());
        machine.file("events.json", r#"{"items":[]}"#);
        machine.file("objects.json", include_str!("../../src/rollout/fixtures/ready.json"));
        for part in ["backend", "frontend"] {
            archive(&machine.path(&format!("todo-{part}.tar")), part);
        }
        machine.program("docker", DOCKER);
        machine.program("minikube", MINIKUBE);
        machine.program("helm", HELM);
        machine.kubeconfig("minikube");
        let labels = json!({ "app.kubernetes.io/instance": "todo" });
        for (kind, name) in [("persistentvolumeclaims", "data-todo-postgres-0"), ("secrets", "todo-secrets")] {
            machine.api.create(&in_namespace(kind), json!({ "metadata": { "name": name, "labels": labels } }));
        }
        for (component, port, target) in
            [("frontend", 3000, json!("http")), ("prometheus", 9090, json!(9090)), ("grafana", 3000, json!(3000))]
        {
            let selector = json!({ "app.kubernetes.io/instance": "todo", "app.kubernetes.io/component": component });
            let spec = json!({ "selector": selector, "ports": [{ "port": port, "targetPort": target }] });
            let service = json!({ "metadata": { "name": format!("todo-{component}") }, "spec": spec });
            machine.api.create(&in_namespace("services"), service);
        }
        machine
    }

    /// The kubeconfig of the machine's user. The clusters differ in the beginning of their paths; nothing answers for
    /// `away`, and `production` is on another machine.
    pub fn kubeconfig(&self, current: &str) {
        let local = |name: &str| (name.to_owned(), format!("http://{}/{name}", self.api.address));
        let mut clusters = ["minikube", "kind-kind", "elsewhere"].map(local).to_vec();
        clusters.push(("away".into(), "http://127.0.0.1:1".into()));
        clusters.push(("production".into(), "https://10.1.2.3:6443".into()));
        let cluster = |(name, server): &(String, String)| {
            json!({ "name": name, "cluster": {
            "server": server, "certificate-authority": "ca.crt",
        } })
        };
        let context = |(name, _): &(String, String)| {
            json!({ "name": name, "context": {
            "cluster": name, "user": "admin",
        } })
        };
        let config = json!({
            "current-context": current,
            "clusters": clusters.iter().map(cluster).collect::<Vec<_>>(),
            "contexts": clusters.iter().map(context).collect::<Vec<_>>(),
            "users": [{ "name": "admin", "user": { "username": "admin", "password": "the-admins-key" } }],
        });
        self.file("home/.kube/config", &config.to_string());
        self.file("home/.kube/ca.crt", "an authority");
    }

    /// Puts another API server in the place of the first, at another port, as `minikube start` may after a stop.
    pub fn move_api(&mut self) {
        self.api = ApiServer::start(self.directory.path().to_owned(), self.api.objects());
        self.kubeconfig("minikube");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A program; `$here` is the machine's directory, and how it is called is written to `calls`, as the API server
    /// does with requests.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        let here = self.directory.path().display();
        let text = format!("#!/bin/sh\nhere='{here}'\necho \"{name} $*\" >>\"$here/calls\"\n{script}\n");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Calls of all programs, one a line.
    pub fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    /// Calls that begin so.
    pub fn calls_of(&self, start: &str) -> Vec<String> {
        self.calls().lines().filter(|call| call.starts_with(start)).map(str::to_owned).collect()
    }

    pub fn clear_calls(&self) {
        let _ = fs::remove_file(self.path("calls"));
    }

    pub fn todo(&self, arguments: &[&str]) -> Run {
        self.todo_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments)
    }

    pub fn todo_in(&self, checkout: &Path, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).current_dir(checkout).output().unwrap())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_todo"));
        command
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("TODO_STATE_DIR", self.path("state"))
            .stdin(Stdio::null());
        command
    }
}

impl Run {
    pub fn of(output: &Output) -> Self {
        let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Self { code: output.status.code(), text: text.concat() }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self
    }

    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.text);
        self
    }

    #[track_caller]
    pub fn prints(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.text.contains(word), "`{word}` is missing in:\n{}", self.text);
        }
        self
    }
}

/// An image whose configuration is `{"part":…}`, as `docker save` writes it.
pub fn archive(path: &Path, part: &str) {
    let mut builder = tar::Builder::new(File::create(path).unwrap());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    add("config.json", config(part).as_bytes());
    let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["todo-{part}:old"],"Layers":[]}}]"#);
    add("manifest.json", manifest.as_bytes());
    builder.into_inner().unwrap();
}

fn config(part: &str) -> String {
    format!(r#"{{"part":"{part}"}}"#)
}

/// The id of the image that [`archive`] makes.
pub fn id(part: &str) -> String {
    todo::digest::sha256(config(part).as_bytes())
}

/// What a cluster that has every image lists.
pub fn images() -> String {
    let image = |part| {
        format!(r#"{{"id":"sha256:{0}","repoTags":["docker.io/library/todo-{part}:{1}"]}}"#, id(part), tag(part))
    };
    format!("[{}]", ["backend", "frontend", "prometheus", "grafana"].map(image).join(","))
}

pub fn tag(part: &str) -> String {
    id(part)[..12].to_owned()
}

/// Every build gives the image of the machine's archive.
const DOCKER: &str = r#"
case "$1 $2" in
"version "*) echo 28.2.2 ;;
"build "*) echo "building" ;;
"image inspect") case "$*" in *backend*) echo sha256:backend ;; *) echo sha256:frontend ;; esac ;;
"save "*) /bin/cp "$here/todo-$4.tar" "$3" ;;
*) echo "unexpected: docker $*" >&2; exit 9 ;;
esac"#;

/// Keeps what is loaded, and lists from then on what the test says.
const MINIKUBE: &str = r#"
case "$*" in
*" status") ;;
*" image ls "*) /bin/cat "$here/cluster-images.json" ;;
*" image load "*)
	/bin/cp "$5" "$here/loaded-${5##*/}"
	# At once, since two may be loaded side by side.
	/bin/cp "$here/images-after-load.json" "$here/new.$$" && /bin/mv "$here/new.$$" "$here/cluster-images.json" ;;
*) echo "unexpected: minikube $*" >&2; exit 9 ;;
esac"#;

/// The path of a kind of the core API, in the namespace `todo`.
pub fn in_namespace(kind: &str) -> String {
    format!("/api/v1/namespaces/todo/{kind}")
}

/// A release is there once one was made.
const HELM: &str = r#"
case "$*" in
"status "*) /bin/cat "$here/release.json" 2>/dev/null && exit; echo "Error: release: not found" >&2; exit 1 ;;
"upgrade "*)
	while [ "$1" != --description ]; do shift; done
	version=$(($(/bin/cat "$here/version" 2>/dev/null || echo 0) + 1))
	echo $version >"$here/version"
	echo "{\"version\":$version,\"info\":{\"status\":\"deployed\",\"description\":\"$2\"}}" >"$here/release.json" ;;
"uninstall "*|"rollback "*) ;;
*) echo "unexpected: helm $*" >&2; exit 9 ;;
esac"#;
