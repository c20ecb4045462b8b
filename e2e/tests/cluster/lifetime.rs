//! The data outlives what runs: the cluster's stop, and a new version of the chart.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use todo_e2e::{
    program,
    release::{NAME, chart, root},
    suite::{BASELINE, Skip, Suite},
    user::User,
    wait::wait_until,
};

pub async fn the_data_outlives_minikube_stop_and_start(suite: &Suite) -> Result<()> {
    if suite.cluster.minikube.is_none() {
        return Err(Skip("the cluster is no Minikube".into()).into());
    }
    let release = suite.shared_release(BASELINE).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    user.create("made before the stop", "once").await?;

    let start = Instant::now();
    let stopped = suite.cluster.minikube(["stop"]).await?;
    ensure!(stopped.status.success(), "minikube stop failed: {}", stopped.combined());
    let started = suite.cluster.minikube(["start"]).await?;
    ensure!(started.status.success(), "minikube start failed: {}", started.combined());
    suite.cluster.reconnect().await?;
    release.wait_until_settled().await?;
    let proxy = release.proxy().await?;
    let user = user.with_base_url(&proxy.url);
    let tasks =
        wait_until("the application answers again", Duration::from_mins(2), async || user.tasks().await).await?;
    ensure!(tasks.len() == 1 && tasks[0].title == "made before the stop", "{tasks:?}");
    let took = format!("{:.0} s", start.elapsed().as_secs_f64());
    suite.report.add("SC-003 data after minikube stop and start", "kept", format!("kept; {took}"));
    suite.wait_until_node_ready().await
}

/// The upgrade begins with the newest released chart. As long as there is none, it begins with this chart under an
/// older version, which shows at least that another version of the chart takes the release over.
pub async fn the_data_outlives_an_upgrade_of_the_chart(suite: &Suite) -> Result<()> {
    let release = suite.release("previous").await?;
    let scratch = tempfile::tempdir()?;
    let (archive, which) = previous_chart(scratch.path()).await?;
    let install = async |chart: &std::path::Path| {
        let mut helm = release.helm(["upgrade", "--install", NAME]);
        helm.arg(chart).args(suite.images().await?.values()?).args(["--set", "frontend.service.type=NodePort"]);
        program::stdout(helm).await?;
        release.wait_until_settled().await?;
        release.wait_until_reachable().await
    };
    install(&archive).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    user.create("made with the previous chart", "once").await?;
    let start = Instant::now();
    install(&chart()).await?;
    let tasks = user.tasks().await?;
    ensure!(tasks.len() == 1 && tasks[0].title == "made with the previous chart", "{tasks:?}");
    let took = format!("{:.1} s", start.elapsed().as_secs_f64());
    suite.report.add("SC-003 data after an upgrade of the chart", "kept", format!("kept; from {which}, {took}"));
    suite.remove(&release.namespace).await
}

/// The path of the previous chart, and which one it is.
async fn previous_chart(scratch: &std::path::Path) -> Result<(std::path::PathBuf, String)> {
    let git = |arguments: &[&str]| {
        let mut git = program::command("git", arguments);
        git.current_dir(root());
        program::run(git)
    };
    let tags = git(&["tag", "--list", "v*", "--sort=-version:refname"]).await?;
    for tag in tags.stdout.lines() {
        let archive = scratch.join("released.tar");
        let archived =
            git(&["archive", "--output", archive.to_str().context("a path in text")?, tag, "helm/todo"]).await?;
        if archived.status.success() {
            let directory = scratch.to_str().context("a path in text")?;
            program::stdout(program::command(
                "tar",
                ["-xf", archive.to_str().context("a path in text")?, "-C", directory],
            ))
            .await?;
            return Ok((scratch.join("helm/todo"), tag.to_owned()));
        }
    }
    let mut helm = program::command("helm", ["package", "--version", "0.0.1", "--destination"]);
    helm.arg(scratch).arg(chart());
    program::stdout(helm).await?;
    Ok((scratch.join("todo-0.0.1.tgz"), "the same chart as version 0.0.1: none is released".into()))
}

/// Traffic that no policy allows is refused, where the cluster's network enforces policies.
pub async fn egress_that_no_policy_allows_is_refused(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    if !enforces_policies(suite).await? {
        return Err(Skip("the cluster's network plug-in does not enforce NetworkPolicies".into()).into());
    }
    let backend = release.names("backend").await?.swap_remove(0);
    let check = async |url: &str| {
        let command =
            release.kubectl(["exec", &backend, "--container", "backend", "--", "/bin/todo-backend", "check", url]);
        Ok::<_, anyhow::Error>(program::run(command).await?.status.success())
    };
    ensure!(check("http://127.0.0.1:8000/health").await?, "the check itself does not work");
    ensure!(!check(&format!("http://{NAME}-frontend:3000/api/health")).await?, "the backend reaches the frontend");
    suite.report.add("egress that no policy allows", "refused", "refused");
    Ok(())
}

/// Whether policies are enforced: a pod without any allowed traffic sends a request to the shared release's frontend.
async fn enforces_policies(suite: &Suite) -> Result<bool> {
    let shared = suite.shared_release(BASELINE).await?;
    let release = suite.release("policies").await?;
    let target = format!("http://{NAME}-frontend.{}:3000/api/health", shared.namespace);
    let no_traffic = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": "no-traffic" },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] },
    });
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "asks" },
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "asks",
                "image": suite.images().await?.backend,
                "args": ["check", target],
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    });
    let create = &kube::api::PostParams::default();
    release
        .api::<k8s_openapi::api::networking::v1::NetworkPolicy>()
        .create(create, &serde_json::from_value(no_traffic)?)
        .await?;
    let pods = release.api::<k8s_openapi::api::core::v1::Pod>();
    pods.create(create, &serde_json::from_value(pod)?).await?;
    let phase = wait_until("the pod that asks has ended", Duration::from_mins(1), async || {
        let pod = pods.get("asks").await?;
        let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
        ensure!(["Succeeded", "Failed"].contains(&phase.as_str()), "it is {phase}");
        Ok(phase)
    })
    .await?;
    suite.remove(&release.namespace).await?;
    Ok(phase == "Failed")
}
