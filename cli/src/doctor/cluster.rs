//! The cluster and the program that speaks to it.

use std::path::Path;

use serde::Deserialize;

use super::{Check, programs::first_line, version};
use crate::{
    cluster::{Choice, Target},
    tool,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Versions {
    client_version: Option<Version>,
    server_version: Option<Version>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

/// The program that runs the cluster.
pub async fn cluster(target: &Target) -> Check {
    let (name, question, install): (_, &[&str], _) = match target.cluster {
        Choice::Minikube => ("minikube", &["version", "--short"], "https://minikube.sigs.k8s.io/docs/start"),
        Choice::Kind => ("kind", &["version"], "https://kind.sigs.k8s.io"),
        Choice::Registry(_) => return Check::ok("cluster", "that of the kubectl context"),
    };
    let Some(found) = first_line(name, question).await else {
        return Check::fail(name, "not installed", format!("install it: {install}"));
    };
    match target.cluster().need().await {
        Ok(()) => Check::ok(name, format!("{found}, and its cluster runs")),
        Err(error) => Check::warn(name, found, format!("{error:#}")),
    }
}

pub async fn kubectl(target: &Target) -> Check {
    let install = "install it: https://kubernetes.io/docs/tasks/tools";
    let Some(path) = tool::on_path("kubectl") else {
        return Check::fail("kubectl", "not installed", install);
    };
    if is_minikube(&path) {
        let found = format!("{} is a link to Minikube", path.display());
        return Check::warn("kubectl", found, format!("it works, but ignores --context at times; {install}"));
    }
    let mut question = tool::command("kubectl", ["version", "--output", "json", "--request-timeout=5s"]);
    // For a context that does not exist it would not even print its own version.
    match target.cluster().need().await {
        Ok(()) => match target.kubectl(&target.cluster()).await {
            Ok(kubectl) => question.args(["--context", &kubectl.context]),
            Err(error) => return Check::warn("kubectl", "refused", format!("{error:#}")),
        },
        Err(_) => question.arg("--client"),
    };
    // It prints its own version and fails where no server answers.
    let output = tool::output(question).await.map(|output| output.stdout).unwrap_or_default();
    judge(serde_json::from_slice(&output).unwrap_or_default(), install)
}

fn judge(versions: Versions, install: &str) -> Check {
    let Some(client) = versions.client_version.map(|version| version.git_version) else {
        return Check::fail("kubectl", "does not run", install);
    };
    let Some(server) = versions.server_version.map(|version| version.git_version) else {
        return Check::ok("kubectl", format!("{client}; no cluster answers yet"));
    };
    let minor = |text: &str| version::parse(text).map_or(0, |(_, minor)| minor);
    if minor(&client).abs_diff(minor(&server)) > 1 {
        let found = format!("{client} is too far from the cluster's {server}");
        return Check::warn("kubectl", found, format!("{install}, at most one minor version apart"));
    }
    Check::ok("kubectl", format!("{client}, cluster {server}"))
}

/// Some packages of Minikube install a link of this name, which is not the real kubectl.
fn is_minikube(path: &Path) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.file_name().is_some_and(|name| name.to_string_lossy().starts_with("minikube"))
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    fn versions(client: &str, server: Option<&str>) -> Versions {
        let version = |text: &str| Version { git_version: text.to_owned() };
        Versions { client_version: Some(version(client)), server_version: server.map(version) }
    }

    #[test]
    fn kubectl_may_be_one_minor_version_apart() {
        let verdict = |client, server| judge(versions(client, server), "install it").verdict;
        assert_eq!(verdict("v1.34.4", Some("v1.34.1")), Verdict::Ok);
        assert_eq!(verdict("v1.33.0", Some("v1.34.4")), Verdict::Ok);
        assert_eq!(verdict("v1.32.0", Some("v1.34.4")), Verdict::Warn);
        assert_eq!(verdict("v1.36.0", Some("v1.34.4")), Verdict::Warn);
        assert_eq!(verdict("v1.34.4", None), Verdict::Ok);
        assert_eq!(judge(Versions::default(), "install it").verdict, Verdict::Fail);
    }

    #[test]
    fn minikubes_link_is_told_from_kubectl() {
        let directory = tempfile::tempdir().unwrap();
        let (minikube, link) = (directory.path().join("minikube"), directory.path().join("kubectl"));
        std::fs::write(&minikube, "").unwrap();
        std::os::unix::fs::symlink(&minikube, &link).unwrap();
        assert!(is_minikube(&link));
        std::fs::remove_file(&link).unwrap();
        std::fs::write(&link, "").unwrap();
        assert!(!is_minikube(&link));
    }
}
