//! Scrapes the processes with a real Prometheus, and checks the queries of every panel and alert, rates, and the number
//! of series.

mod alerts;
mod load;
mod prometheus;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use todo::stack::{self, Running};

use self::{
    alerts::SHORT_WINDOWS,
    load::{LIST_INTERVAL, Load, Users},
    prometheus::Prometheus,
};
use super::{
    application::{backend_config, start_frontend},
    chart,
};
use crate::{
    monitoring::{
        dashboards::{queries, read_all, selectors},
        picture::{self, TimeRange},
    },
    test::{
        context::{Outcome, StepRun},
        counts::Counts,
        tools,
    },
};

/// Prefixes of metrics that exist only in a cluster. The step `cluster` checks them.
const CLUSTER_METRICS: &[&str] = &["container_", "kubelet_"];

const DASHBOARDS: &str = "helm/todo/dashboards";
/// The window of rates, in seconds. The load runs at least as long before the first query.
const RATE_WINDOW_SECONDS: u32 = 10;
const RANDOM_PATHS: usize = 10_000;
/// The number of requests to random paths before the series are counted, so that each service has answered one.
const WARM_UP_REQUESTS: usize = 20;

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
    let backend = backend_config(run, "todo_monitoring", Some(model.url.clone())).await?;
    let running = backend.start(run.server_sink("backend")?).await?;
    let frontend = start_frontend(run, &running).await?;
    let scratch = tempfile::tempdir()?;
    chart::write_config(run, &helm, scratch.path(), SHORT_WINDOWS).await?;
    let prometheus = Prometheus::start(run, &program, scratch.path(), &running, &frontend).await?;

    let start = SystemTime::now();
    let users = Arc::new(Users::sign_up(&running, &model).await?);
    let load = Load::start(&users, &frontend);
    tokio::time::sleep(Duration::from_secs(u64::from(RATE_WINDOW_SECONDS + 2))).await;
    let measured = prometheus.query_value(&rate_of_tasks(&format!("{RATE_WINDOW_SECONDS}s"))).await?;
    let sent = 1.0 / LIST_INTERVAL.as_secs_f64();
    run.report(&format!("{sent} requests a second were sent, Prometheus measured {measured:.2}"));
    ensure!((measured / sent - 1.0).abs() < 0.05, "{sent} requests a second were sent, Prometheus measured {measured}");

    let queries = queries(&run.workspace().path(DASHBOARDS))?;
    let mut empty = Vec::new();
    for query in &queries {
        let expr = query.filled("default", "1m", &format!("{RATE_WINDOW_SECONDS}s"));
        if !prometheus.query(&expr).await?.iter().any(|sample| sample.value.is_finite()) {
            empty.push(format!("{}: {expr}", query.panel));
        }
    }
    ensure!(empty.is_empty(), "these panels have no data:\n{}", empty.join("\n"));
    alerts::fire_and_resolve(&prometheus, &users, &backend.database_url).await?;
    load.finish().await?;
    let pictures = draw(run, &prometheus, start).await?;

    let running = alerts::restart(run, &prometheus, backend, running).await?;
    random_paths(run, &prometheus, &running, &frontend).await?;

    // The frontend answers with errors while the backend is stopped.
    running.program.stop().await;
    let outage_alerts = ["TodoNotReady", "TodoHighErrorRate", "TodoErrorBudgetBurning"];
    prometheus
        .wait_for_state(&outage_alerts, "firing", async || {
            expect_server_error(&format!("{}/api/tasks", frontend.url)).await
        })
        .await?;
    let alerts = prometheus.alerts().await?;
    for alert in &alerts {
        ensure!(alert.health == "ok", "{} is {}", alert.name, alert.health);
        for selector in selectors(&alert.query) {
            let data = prometheus.query(&format!("last_over_time({selector}[5m])")).await?;
            let is_cluster_metric = CLUSTER_METRICS.iter().any(|prefix| selector.starts_with(prefix));
            ensure!(!data.is_empty() || is_cluster_metric, "{} has no data: {selector}", alert.name);
        }
    }
    frontend.program.stop().await;
    model.program.stop().await;
    prometheus.program.stop().await;
    // The other tests are the rate, the series, and the seven alerts that fired.
    Ok(Outcome::Ran(Counts::passed((queries.len() + alerts.len() + pictures + 9) as u64)))
}

/// Draws every dashboard into the state directory, for docs/monitoring.md, and returns their number.
async fn draw(run: &StepRun<'_>, prometheus: &Prometheus, from: SystemTime) -> Result<usize> {
    let seconds = |time: SystemTime| Ok::<_, anyhow::Error>(time.duration_since(UNIX_EPOCH)?.as_secs_f64());
    // Rates are complete when the load has run for one window.
    let range = TimeRange { from: seconds(from)? + f64::from(RATE_WINDOW_SECONDS), to: seconds(SystemTime::now())? };
    let dashboards = read_all(&run.workspace().path(DASHBOARDS))?;
    for (name, dashboard) in &dashboards {
        let query = async |expr: &str| prometheus.query_range(range, expr).await;
        let picture = picture::draw(dashboard, "default", range, &format!("{RATE_WINDOW_SECONDS}s"), query).await?;
        ensure!(!picture.contains(picture::NO_DATA), "a panel of {name} is drawn without data");
        std::fs::write(run.workspace().state(&format!("test/dashboards/{name}"))?.with_extension("svg"), picture)?;
    }
    Ok(dashboards.len())
}

async fn expect_server_error(url: &str) -> Result<()> {
    let answer = reqwest::get(url).await?;
    ensure!(answer.status().is_server_error(), "{url} answers {}", answer.status());
    Ok(())
}

fn rate_of_tasks(window: &str) -> String {
    format!(r#"sum(rate(http_requests_total{{component="backend", route="/api/tasks"}}[{window}]))"#)
}

/// Checks that requests to random paths add no series to the metrics.
async fn random_paths(run: &StepRun<'_>, prometheus: &Prometheus, backend: &Running, frontend: &Running) -> Result<()> {
    let client = reqwest::Client::new();
    let request = async |base: &str, path: usize| {
        let answer = client.get(format!("{base}/nowhere/{path}/{}", path * 7919)).send().await?;
        ensure!(answer.status() == 404, "a path that does not exist was answered {}", answer.status());
        answer.bytes().await?;
        Ok::<_, anyhow::Error>(())
    };
    // The frontend renders a page for each path, so most requests go to the backend.
    let base = |path: usize| if path.is_multiple_of(10) { &frontend.url } else { &backend.url };
    let count_series = async |least: usize| {
        let counted = r#"sum(http_requests_total{route="unmatched"})"#;
        prometheus
            .wait_until("the metrics count the random paths", async || {
                let counted = prometheus.query_value(counted).await?;
                ensure!(counted >= f64::from(u32::try_from(least)?), "{counted} are counted");
                Ok(())
            })
            .await?;
        let series = prometheus.query(r#"count by (component) ({__name__=~"http_.+"})"#).await?;
        Ok::<_, anyhow::Error>(series.iter().map(|sample| sample.value).collect::<Vec<_>>())
    };
    for path in 0..WARM_UP_REQUESTS {
        request(base(path), path).await?;
    }
    let before = count_series(WARM_UP_REQUESTS).await?;
    try_join_all((0..8).map(|worker| async move {
        for path in (worker..RANDOM_PATHS).step_by(8) {
            request(base(path), path + WARM_UP_REQUESTS).await?;
        }
        Ok::<_, anyhow::Error>(())
    }))
    .await?;
    let after = count_series(WARM_UP_REQUESTS + RANDOM_PATHS).await?;
    run.report(&format!("{RANDOM_PATHS} random paths: {before:?} series before, {after:?} after"));
    ensure!(before.len() == 2 && before == after, "random paths add series: {before:?} before, {after:?} after");
    Ok(())
}
