//! US1: the application is installed and used.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use todo_e2e::{
    browser,
    load::{Load, OnFailure},
    program,
    release::{NAME, Release, chart, ensure_restarts},
    suite::{BASELINE, Skip, Suite},
    user::User,
    wait::wait_until,
};

/// This shows US5.1 too.
pub async fn us1_1_install_with_no_values(suite: &Suite) -> Result<()> {
    let release = suite.release("bare").await?;
    let images = suite.images().await?;
    let mut helm = release.helm(["install", NAME]);
    helm.arg(chart());
    if suite.cluster.minikube.is_some() {
        for image in [&images.backend, &images.frontend] {
            load_as_released(suite, image).await?;
        }
    } else {
        helm.args(images.values()?);
    }
    let start = Instant::now();
    program::stdout(helm).await?;
    release.wait_until_rolled_out(Duration::from_mins(2)).await?;
    suite.report.time("SC-002 pods ready after helm install", Duration::from_mins(2), start.elapsed())?;
    // The chart's test signs up, writes, reads and deletes, through the frontend's Service.
    let test = release.test().await?;
    ensure!(test.status.success(), "helm test failed:\n{}", test.combined());
    suite.report.time("SC-001 US5.1 application works after helm install", Duration::from_mins(5), start.elapsed())?;
    for component in ["backend", "frontend", "postgres"] {
        let pod = release.pod(component).await?;
        ensure_restarts(&pod, 0)?;
    }
    suite.remove(&release.namespace).await
}

/// Loads an image into Minikube under the chart's own tag, so that not even tags have to be given. It goes through a
/// file, since `minikube image tag` does nothing for a tag that exists, and reports no error.
async fn load_as_released(suite: &Suite, image: &str) -> Result<()> {
    let (repository, content) = image.split_once(':').context("the image has a tag")?;
    let released = format!("{repository}:{}", env!("CARGO_PKG_VERSION"));
    let scratch = tempfile::tempdir()?;
    let archive = scratch.path().join("image.tar");
    let archive = archive.to_str().context("a path in text")?;
    // The content tag is the beginning of the image's id.
    program::stdout(program::command("docker", ["tag", content, &released])).await?;
    program::stdout(program::command("docker", ["save", "--output", archive, &released])).await?;
    suite.cluster.minikube(["image", "load", archive]).await?;
    let listed = suite.cluster.minikube(["image", "ls", "--format", "json"]).await?;
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout)?;
    let found = listed.iter().find(|entry| {
        let tags = entry["repoTags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        tags.map(|tag| tag.trim_start_matches("docker.io/library/")).any(|tag| tag == released)
    });
    let id = found.and_then(|entry| entry["id"].as_str()).with_context(|| format!("{released} did not arrive"))?;
    ensure!(id.trim_start_matches("sha256:").starts_with(content), "{released} is {id} and not {image}");
    Ok(())
}

pub async fn us1_2_journey_through_the_service(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let start = Instant::now();
    if suite.cluster.minikube.is_some() {
        let found =
            suite.cluster.minikube(["service", "todo-frontend", "--namespace", &release.namespace, "--url"]).await?;
        ensure!(found.status.success(), "minikube service failed: {}", found.combined());
        browser::journey(found.stdout.lines().next().context("minikube service prints no URL")?, None).await?;
    } else {
        browser::journey(&release.proxy().await?.url, None).await?;
    }
    suite.report.add("US1.2 journey through the Service", "passes", format!("{:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// The host name by which the Ingress knows the application.
pub const HOST: &str = "todo.local";

/// The shared release with an Ingress, and the address of the controller that leads to it.
pub async fn behind_the_ingress(suite: &Suite) -> Result<(&Release, String)> {
    let Ok(ingress) = std::env::var("TODO_E2E_INGRESS") else {
        return Err(Skip("TODO_E2E_INGRESS names no Ingress controller's address".into()).into());
    };
    let class = std::env::var("TODO_E2E_INGRESS_CLASS").unwrap_or_default();
    let class = format!("ingress.className={class}");
    let release = suite.shared_release(&[BASELINE, &["ingress.enabled=true", &class]].concat()).await?;
    let client = reqwest::Client::new();
    wait_until("the Ingress leads to frontend and backend", Duration::from_mins(1), async || {
        // The frontend forwards /api too, so only /mcp shows that the backend has routes of its own.
        for (path, status) in [("/", 200), ("/api/tasks", 401), ("/mcp", 401)] {
            let answer = client.get(format!("{ingress}{path}")).header("host", HOST).send().await?;
            ensure!(answer.status() == status, "{path} was answered {}", answer.status());
        }
        Ok(())
    })
    .await?;
    Ok((release, ingress))
}

pub async fn us1_2_journey_through_the_ingress(suite: &Suite) -> Result<()> {
    let (_, ingress) = behind_the_ingress(suite).await?;
    let mut address = reqwest::Url::parse(&ingress)?;
    let server = address.host_str().context("TODO_E2E_INGRESS has a host")?.to_owned();
    address.set_host(Some(HOST))?;
    let start = Instant::now();
    browser::journey(address.as_str(), Some((HOST, &server))).await?;
    suite.report.add("US1.2 journey through the Ingress", "passes", format!("{:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

pub async fn us1_3_logs_are_json_without_an_error(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    // After a restart the logs hold the start of the pods and normal requests only.
    program::stdout(release.kubectl(["rollout", "restart", "deployment"])).await?;
    release.wait_until_settled().await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let task = user.create("log me", "once").await?;
    user.rename(&task.id, "logged").await?;
    user.delete(&task.id).await?;
    let load = Load::start(&proxy.url, OnFailure::Continue).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    load.finish().await.ensure_no_failure()?;

    let mut lines = 0;
    for component in ["backend", "frontend"] {
        lines += check_logs(release, component).await?;
    }
    suite.report.add("US1.3 log lines that are no JSON or an error", 0, format!("0 of {lines}"));
    Ok(())
}

async fn check_logs(release: &Release, component: &str) -> Result<usize> {
    let mut lines = 0;
    for pod in release.names(component).await? {
        let log = release.log(&pod).await?;
        ensure!(log.contains(r#""message":"listening""#), "{pod} does not say that it listens");
        ensure!(log.contains(r#""message":"request""#), "{pod} logs no request");
        for line in log.lines() {
            let entry: Value = serde_json::from_str(line).with_context(|| format!("{pod} wrote no JSON: {line}"))?;
            let level = entry["level"].as_str().with_context(|| format!("{pod} wrote no level: {line}"))?;
            ensure!(["INFO", "WARN", "DEBUG", "TRACE"].contains(&level), "{pod} wrote an error: {line}");
            lines += 1;
        }
    }
    Ok(lines)
}
