//! The cluster, and kubectl for people and assistants.

use std::path::Path;

use anyhow::Result;

use super::{Check, programs::first_line, version};
use crate::{
    cluster::{ClusterChoice, Target},
    tool,
};

/// Checks the program that runs the cluster, and the API server, whose version is returned too if it answers.
pub async fn cluster(target: &Target) -> (Check, Option<String>) {
    let (name, question, install): (_, &[&str], _) = match target.cluster {
        ClusterChoice::Minikube => ("minikube", &["version", "--short"], "https://minikube.sigs.k8s.io/docs/start"),
        ClusterChoice::Kind => ("kind", &["version"], "https://kind.sigs.k8s.io"),
        ClusterChoice::Registry(_) => ("cluster", &[], ""),
    };
    let found = match target.cluster {
        ClusterChoice::Registry(_) => "that of the kubectl context".to_owned(),
        _ => match first_line(name, question).await {
            Some(found) => found,
            None => return (Check::fail(name, "not installed", format!("install it: {install}")), None),
        },
    };
    match server_version(target).await {
        Ok(version) => (Check::ok(name, format!("{found}, and Kubernetes {version} answers")), Some(version)),
        Err(error) => (Check::warn(name, found, format!("{error:#}")), None),
    }
}

async fn server_version(target: &Target) -> Result<String> {
    let cluster = target.cluster();
    let context = target.kube_context(&cluster)?;
    cluster.ensure_running().await?;
    context.connect().await?.version().await
}

/// Only `ask` needs kubectl. Some messages name commands for it, too.
pub async fn kubectl(server: Option<&str>) -> Check {
    let install = "only `cargo todo ask` and you need it, `cargo todo deploy` does not; install it: \
                   https://kubernetes.io/docs/tasks/tools";
    let Some(path) = tool::on_path("kubectl") else {
        return Check::warn("kubectl", "not installed", install);
    };
    if is_minikube(&path) {
        let found = format!("{} is a link to Minikube", path.display());
        return Check::warn("kubectl", found, format!("it works, but ignores --context at times; {install}"));
    }
    // It prints a line such as `Client Version: v1.34.4`.
    evaluate(first_line("kubectl", &["version", "--client"]).await.as_deref(), server, install)
}

fn evaluate(client: Option<&str>, server: Option<&str>, install: &str) -> Check {
    let client = client.map(|line| line.rsplit(' ').next().unwrap_or(line));
    let Some((client, (_, minor))) = client.and_then(|client| Some((client, version::parse(client)?))) else {
        return Check::warn("kubectl", "does not run", install);
    };
    match server.and_then(|server| Some((server, version::parse(server)?))) {
        Some((server, (_, of_server))) if minor.abs_diff(of_server) > 1 => {
            let found = format!("{client} is too far from the cluster's {server}");
            Check::warn("kubectl", found, format!("{install}, at most one minor version apart"))
        }
        _ => Check::ok("kubectl", client),
    }
}

/// Some packages of Minikube install a link of this name, which is not the real kubectl.
fn is_minikube(path: &Path) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.file_name().is_some_and(|name| name.to_string_lossy().starts_with("minikube"))
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn kubectl_may_be_one_minor_version_apart() {
        let verdict = |client, server| evaluate(client, server, "install it").verdict;
        assert_eq!(verdict(Some("Client Version: v1.34.4"), Some("v1.34.1")), Verdict::Ok);
        assert_eq!(verdict(Some("Client Version: v1.33.0"), Some("v1.34.4")), Verdict::Ok);
        assert_eq!(verdict(Some("Client Version: v1.32.0"), Some("v1.34.4")), Verdict::Warn);
        assert_eq!(verdict(Some("Client Version: v1.36.0"), Some("v1.34.4")), Verdict::Warn);
        assert_eq!(verdict(Some("Client Version: v1.34.4"), None), Verdict::Ok);
        assert_eq!(verdict(None, Some("v1.34.4")), Verdict::Warn);
    }

    #[test]
    fn minikubes_link_is_not_taken_for_kubectl() {
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
