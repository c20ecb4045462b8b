//! A real Prometheus measures the real processes: the queries of every panel and alert, rates, and the number of
//! series.

mod alerts;
mod crowd;
mod prometheus;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use todo::stack::{self, Running};

use self::{
    alerts::QUICK,
    crowd::{Crowd, Load, PACE},
    prometheus::Prometheus,
};
use super::{
    application::{backend_of, start_frontend},
    chart,
};
use crate::{
    monitoring::{
        dashboards::{all, queries, selectors},
        picture::{self, Span},
    },
    test::{
        context::{Outcome, StepRun},
        counts::Counts,
        tools,
    },
};

/// Metrics that only a cluster has. The tests of the step `cluster` query them.
const OF_THE_CLUSTER: &[&str] = &["container_", "kubelet_"];

const DASHBOARDS: &str = "helm/todo/dashboards";
/// The window of rates in seconds. The load runs as long before the first query.
const WINDOW: u32 = 10;
const RANDOM_PATHS: usize = 10_000;
/// Requests to random paths that come first, so that each service has answered one.
const WARM_UP: usize = 20;

pub async fn monitoring(run: &StepRun<'_>) -> Result<Outcome> {
    let program = match tools::prometheus(run, "prometheus").await? {
        Ok(program) => program,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let helm = match chart::HELM_3.find(run).await? {
        Ok(program) => program,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    run.frontend().await?;
    let model = stack::start_model(&run.binaries().await?.model(), run.server_sink("model")?).await?;
    let backend = backend_of(run, "todo_monitoring", Some(model.url.clone())).await?;
    let running = backend.start(run.server_sink("backend")?).await?;
    let frontend = start_frontend(run, &running).await?;
    let scratch = tempfile::tempdir()?;
    chart::write_config(run, &helm, scratch.path(), QUICK).await?;
    let prometheus = Prometheus::start(run, &program, scratch.path(), &running, &frontend).await?;

    let begun = SystemTime::now();
    let crowd = Arc::new(Crowd::sign_up(&running, &model).await?);
    let load = Load::start(&crowd, &frontend);
    tokio::time::sleep(Duration::from_secs(u64::from(WINDOW + 2))).await;
    let seen = prometheus.one(&rate_of_tasks(&format!("{WINDOW}s"))).await?;
    let sent = 1.0 / PACE.as_secs_f64();
    run.report(&format!("{sent} requests a second were sent, Prometheus saw {seen:.2}"));
    ensure!((seen / sent - 1.0).abs() < 0.05, "{sent} requests a second were sent, Prometheus saw {seen}");

    let queries = queries(&run.workspace().path(DASHBOARDS))?;
    let mut empty = Vec::new();
    for query in &queries {
        let expr = query.filled("default", "1m", &format!("{WINDOW}s"));
        if !prometheus.ask(&expr).await?.iter().any(|sample| sample.value.is_finite()) {
            empty.push(format!("{}: {expr}", query.panel));
        }
    }
    ensure!(empty.is_empty(), "these panels have no data:\n{}", empty.join("\n"));
    alerts::come_and_go(&prometheus, &crowd, &backend.database_url).await?;
    load.finish().await?;
    let pictures = draw(run, &prometheus, begun).await?;

    let running = alerts::restart(run, &prometheus, backend, running).await?;
    random_paths(run, &prometheus, &running, &frontend).await?;

    // Without a backend the frontend fails.
    running.program.stop().await;
    let gone = ["TodoNotReady", "TodoHighErrorRate", "TodoErrorBudgetBurning"];
    prometheus.until_state(&gone, "firing", async || fail(&format!("{}/api/tasks", frontend.url)).await).await?;
    let alerts = prometheus.alerts().await?;
    for alert in &alerts {
        ensure!(alert.health == "ok", "{} is {}", alert.name, alert.health);
        for selector in selectors(&alert.query) {
            let data = prometheus.ask(&format!("last_over_time({selector}[5m])")).await?;
            let is_elsewhere = OF_THE_CLUSTER.iter().any(|beginning| selector.starts_with(beginning));
            ensure!(!data.is_empty() || is_elsewhere, "{} has no data: {selector}", alert.name);
        }
    }
    frontend.program.stop().await;
    model.program.stop().await;
    prometheus.program.stop().await;
    // The rate, the series, and the seven that fired.
    Ok(Outcome::Ran(Counts::passed((queries.len() + alerts.len() + pictures + 9) as u64)))
}

/// Draws every dashboard into the state directory, for docs/monitoring.md, and gives their number.
async fn draw(run: &StepRun<'_>, prometheus: &Prometheus, from: SystemTime) -> Result<usize> {
    let seconds = |time: SystemTime| Ok::<_, anyhow::Error>(time.duration_since(UNIX_EPOCH)?.as_secs_f64());
    // Rates are complete once the load has run for a whole window.
    let span = Span { from: seconds(from)? + f64::from(WINDOW), to: seconds(SystemTime::now())? };
    let dashboards = all(&run.workspace().path(DASHBOARDS))?;
    for (name, dashboard) in &dashboards {
        let ask = async |expr: &str| prometheus.over(span, expr).await;
        let picture = picture::draw(dashboard, "default", span, &format!("{WINDOW}s"), ask).await?;
        ensure!(!picture.contains(picture::NO_DATA), "a panel of {name} is drawn without data");
        std::fs::write(run.workspace().state(&format!("test/dashboards/{name}"))?.with_extension("svg"), picture)?;
    }
    Ok(dashboards.len())
}

async fn fail(url: &str) -> Result<()> {
    let answer = reqwest::get(url).await?;
    ensure!(answer.status().is_server_error(), "{url} answers {}", answer.status());
    Ok(())
}

fn rate_of_tasks(window: &str) -> String {
    format!(r#"sum(rate(http_requests_total{{component="backend", route="/api/tasks"}}[{window}]))"#)
}

/// All paths that do not exist are one route in the metrics.
async fn random_paths(run: &StepRun<'_>, prometheus: &Prometheus, backend: &Running, frontend: &Running) -> Result<()> {
    let client = reqwest::Client::new();
    let ask = async |base: &str, path: usize| {
        let answer = client.get(format!("{base}/nowhere/{path}/{}", path * 7919)).send().await?;
        ensure!(answer.status() == 404, "a path that is nowhere was answered {}", answer.status());
        answer.bytes().await?;
        Ok::<_, anyhow::Error>(())
    };
    // The frontend renders a page for each; the backend gets most.
    let base = |path: usize| if path.is_multiple_of(10) { &frontend.url } else { &backend.url };
    let seen = async |least: usize| {
        let counted = r#"sum(http_requests_total{route="unmatched"})"#;
        prometheus
            .until("the random paths are seen", async || {
                let counted = prometheus.one(counted).await?;
                ensure!(counted >= f64::from(u32::try_from(least)?), "{counted} are");
                Ok(())
            })
            .await?;
        let series = prometheus.ask(r#"count by (component) ({__name__=~"http_.+"})"#).await?;
        Ok::<_, anyhow::Error>(series.iter().map(|sample| sample.value).collect::<Vec<_>>())
    };
    for path in 0..WARM_UP {
        ask(base(path), path).await?;
    }
    let before = seen(WARM_UP).await?;
    try_join_all((0..8).map(|worker| async move {
        for path in (worker..RANDOM_PATHS).step_by(8) {
            ask(base(path), path + WARM_UP).await?;
        }
        Ok::<_, anyhow::Error>(())
    }))
    .await?;
    let after = seen(WARM_UP + RANDOM_PATHS).await?;
    run.report(&format!("{RANDOM_PATHS} random paths: {before:?} series before, {after:?} after"));
    ensure!(before.len() == 2 && before == after, "random paths add series: {before:?} before, {after:?} after");
    Ok(())
}
