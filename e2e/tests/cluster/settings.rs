//! US3: settings and secrets come from a `ConfigMap` and a Secret.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use reqwest::{Client, Method, StatusCode};
use todo_e2e::{
    load::{Load, OnFailure},
    program,
    proxy::ServiceProxy,
    release::{NAME, Release},
    suite::{BASELINE, Suite},
    user::User,
};

/// The value of a setting whose effect can be seen from outside: an origin whose pages may call the API.
const ALLOWED_ORIGIN: &str = "https://friend.example";

/// This shows US3.1 and SC-006 too.
pub async fn us3_3_a_changed_value_rolls_the_pods(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let proxy = release.proxy().await?;
    ensure!(!is_allowed_origin(&proxy).await?);
    let before = pods(release).await?;
    let load = Load::start(&proxy.url, OnFailure::Continue).await?;
    release.ensure_values(&[BASELINE, &["config.corsOrigins={https://friend.example}"]].concat()).await?;
    let outcome = load.finish().await;

    ensure!(is_allowed_origin(&proxy).await?, "the new value has no effect");
    let settings: ConfigMap = release.api().get(&format!("{NAME}-config")).await?;
    let value = settings.data.as_ref().and_then(|data| data.get("CORS_ORIGINS")).context("no CORS_ORIGINS")?;
    ensure!(value == ALLOWED_ORIGIN, "the ConfigMap has {value}");
    let after = pods(release).await?;
    for (name, image) in &after {
        ensure!(!before.iter().any(|(old, _)| old == name), "{name} was not replaced");
        ensure!(before.iter().any(|(_, old)| old == image), "{name} has another image");
    }
    suite.report.add("US3.1 US3.3 SC-006 failed requests, changed value", 0, outcome.summary());
    outcome.ensure_no_failure()?;
    outcome.ensure_nothing_lost(&proxy.url).await.map(drop)
}

pub async fn us3_3_an_edited_configmap_takes_effect_at_a_restart(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let proxy = release.proxy().await?;
    ensure!(!is_allowed_origin(&proxy).await?);
    release.invalidate();
    let patch = format!(r#"{{"data":{{"CORS_ORIGINS":"{ALLOWED_ORIGIN}"}}}}"#);
    program::stdout(release.kubectl(["patch", "configmap", &format!("{NAME}-config"), "--patch", &patch])).await?;
    ensure!(!is_allowed_origin(&proxy).await?, "the value has an effect before the restart");
    restart(release).await?;
    ensure!(is_allowed_origin(&proxy).await?, "the new value has no effect");
    // An upgrade restores the chart's value, but has no reason to replace pods.
    suite.shared_release(BASELINE).await?;
    restart(release).await?;
    ensure!(!is_allowed_origin(&proxy).await?, "an upgrade does not restore the chart's value");
    suite.report.add("US3.3 edited ConfigMap and restart", "takes effect", "takes effect");
    Ok(())
}

async fn restart(release: &Release) -> Result<()> {
    program::stdout(release.kubectl(["rollout", "restart", &format!("deployment/{NAME}-backend")])).await?;
    release.wait_until_settled().await
}

pub async fn us3_2_secrets_are_shown_nowhere(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let proxy = release.proxy().await?;
    let secret = release.secret(&format!("{NAME}-secrets")).await?.data.context("the Secret is empty")?;
    let mut secrets = Vec::new();
    for key in ["SECRET_KEY", "DATABASE_URL", "POSTGRES_PASSWORD"] {
        let value = secret.get(key).with_context(|| format!("the Secret has no {key}"))?;
        let value = String::from_utf8(value.0.clone())?;
        ensure!(value.len() >= 16, "{key} is too short");
        secrets.push((key, value));
    }

    let mut shown = vec![("errors", errors(&proxy).await?)];
    let user = User::sign_up(&proxy.url).await?;
    user.create("keep a secret", "once").await?;
    for component in ["backend", "frontend", "postgres"] {
        for pod in release.pods(component).await? {
            shown.push(("logs", release.log(&pod.name_any()).await?));
            shown.push(("pods", serde_json::to_string(&pod)?));
            for event in release.events(&pod.name_any()).await? {
                shown.push(("events", serde_json::to_string(&event)?));
            }
            let port = match component {
                "backend" => 9090,
                "frontend" => 9091,
                _ => continue,
            };
            let (status, metrics) = release.request_pod(&pod, port, "/metrics").await?;
            ensure!(status == 200 && metrics.contains("build_info"), "metrics of {component}: {status}");
            shown.push(("metrics", metrics));
        }
    }
    let configmaps = release.kubectl(["get", "configmaps,deployments,statefulsets", "--output", "yaml"]);
    shown.push(("ConfigMaps and workloads", program::stdout(configmaps).await?));
    shown.push(("helm get values", program::stdout(release.helm(["get", "values", NAME, "--all"])).await?));
    shown.push(("helm get notes", program::stdout(release.helm(["get", "notes", NAME])).await?));
    for (place, text) in &shown {
        ensure!(!text.is_empty(), "nothing to look at in {place}");
        for (key, value) in &secrets {
            ensure!(!text.contains(value), "{place} shows {key}");
        }
    }
    suite.report.add("US3.2 secrets shown", 0, format!("0 in {} places", shown.len()));
    Ok(())
}

/// The bodies of answers that report an error of the client.
async fn errors(proxy: &ServiceProxy) -> Result<String> {
    let client = Client::new();
    let mut bodies = String::new();
    for (method, path, body, status) in [
        (Method::GET, "/api/tasks", "", StatusCode::UNAUTHORIZED),
        (Method::GET, "/api/nowhere", "", StatusCode::NOT_FOUND),
        (Method::POST, "/api/auth/sign-up", "{}", StatusCode::UNPROCESSABLE_ENTITY),
        (Method::POST, "/api/auth/sign-up", "{", StatusCode::BAD_REQUEST),
    ] {
        let request = client.request(method, format!("{}{path}", proxy.url)).body(body);
        let answer = request.header("content-type", "application/json").send().await?;
        ensure!(answer.status() == status, "{path} with `{body}` was answered {}", answer.status());
        bodies += &answer.text().await?;
    }
    Ok(bodies)
}

/// Whether pages of that origin may call the API, as its answer says to a browser.
async fn is_allowed_origin(proxy: &ServiceProxy) -> Result<bool> {
    let client = Client::builder().timeout(Duration::from_secs(10)).build()?;
    let request = client.get(format!("{}/api/auth/session", proxy.url)).header("origin", ALLOWED_ORIGIN);
    let answer = request.send().await?;
    Ok(answer.headers().get("access-control-allow-origin").is_some_and(|origin| origin == ALLOWED_ORIGIN))
}

/// The name and the image's id of every pod of backend and frontend.
async fn pods(release: &Release) -> Result<HashSet<(String, String)>> {
    let mut pods = HashSet::new();
    for component in ["backend", "frontend"] {
        for pod in release.pods(component).await? {
            let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
            let image = statuses.and_then(|statuses| statuses.first()).context("no container runs")?.image_id.clone();
            pods.insert((pod.name_any(), image));
        }
    }
    Ok(pods)
}
