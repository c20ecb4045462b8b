//! What a real Prometheus makes of the real processes: the queries of every panel and alert, rates, and how many series.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use tokio::{process::Command, task::JoinSet, time::MissedTickBehavior};

use super::{
    application::{start_backend, start_frontend},
    chart,
};
use crate::{
    monitoring::{
        dashboards::{queries, selectors},
        prometheus::{self, Alert, Sample},
    },
    process::Program,
    stack::Running,
    test::{
        context::{Outcome, StepRun},
        counts::Counts,
        tools,
    },
};

/// Metrics that only a cluster has; the tests of the cluster ask for them.
const OF_THE_CLUSTER: &[&str] = &["container_", "kubelet_"];
/// Metrics that are there once a language model has been asked.
const OF_THE_MODEL: &[&str] = &["chat_", "tool_calls_"];

const LIMIT: Duration = Duration::from_secs(30);
/// Between two requests of the load whose rate is compared.
const PACE: Duration = Duration::from_millis(25);
/// In seconds: what rates are taken over, and for how long the load runs before.
const WINDOW: u64 = 10;
const RANDOM_PATHS: usize = 10_000;
/// Of them, to have each service meet one.
const WARM_UP: usize = 20;

/// As alerts are set in the tests of the cluster.
const QUICK: &[&str] = &[
    "monitoring.alerts.fastBurn.long=10s",
    "monitoring.alerts.fastBurn.short=5s",
    "monitoring.alerts.window=10s",
    "monitoring.alerts.for=2s",
];

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
    let (backend, _) = start_backend(run, "todo_monitoring", None).await?;
    let frontend = start_frontend(run, &backend).await?;
    let scratch = tempfile::tempdir()?;
    chart::write_config(run, &helm, scratch.path(), QUICK).await?;
    let prometheus = Prometheus::start(run, &program, scratch.path(), &backend, &frontend).await?;

    let load = Load::start(&backend, &frontend).await?;
    tokio::time::sleep(Duration::from_secs(WINDOW + 2)).await;
    let seen = prometheus.one(&rate_of_tasks(&format!("{WINDOW}s"))).await?;
    let sent = 1.0 / PACE.as_secs_f64();
    run.say(&format!("{sent} requests a second were sent, Prometheus saw {seen:.2}"));
    ensure!((seen / sent - 1.0).abs() < 0.05, "{sent} requests a second were sent, Prometheus saw {seen}");

    let queries = queries(&run.workspace().path("helm/todo/dashboards"))?;
    let mut empty = Vec::new();
    for query in &queries {
        let expr = query.filled("default", "1m", &format!("{WINDOW}s"));
        if prometheus.ask(&expr).await?.is_empty() && !is_only_of(&expr, OF_THE_MODEL) {
            empty.push(format!("{}: {expr}", query.panel));
        }
    }
    load.finish().await?;
    ensure!(empty.is_empty(), "these panels have no data:\n{}", empty.join("\n"));

    random_paths(run, &prometheus, &backend, &frontend).await?;

    // A backend that is gone, for the frontend to fail on.
    backend.program.stop().await;
    prometheus.until_firing("TodoNotReady", &[]).await?;
    prometheus.until_firing("TodoHighErrorRate", &[&format!("{}/api/tasks", frontend.url)]).await?;
    let alerts = prometheus.alerts().await?;
    for alert in &alerts {
        ensure!(alert.health == "ok", "{} is {}", alert.name, alert.health);
        for selector in selectors(&alert.query).into_iter().filter(|it| !is_only_of(it, OF_THE_MODEL)) {
            let data = prometheus.ask(&format!("last_over_time({selector}[5m])")).await?;
            ensure!(!data.is_empty() || is_only_of(selector, OF_THE_CLUSTER), "{} has no data: {selector}", alert.name);
        }
    }
    frontend.program.stop().await;
    prometheus.program.stop().await;
    // The rate, the series, and the two that fired.
    Ok(Outcome::Ran(Counts::passed((queries.len() + alerts.len() + 4) as u64)))
}

fn rate_of_tasks(window: &str) -> String {
    format!(r#"sum(rate(http_requests_total{{component="backend", route="/api/tasks"}}[{window}]))"#)
}

/// Whether all metrics of a query begin with one of these.
fn is_only_of(expr: &str, beginnings: &[&str]) -> bool {
    selectors(expr).iter().all(|selector| beginnings.iter().any(|beginning| selector.starts_with(beginning)))
}

/// Paths that nobody has thought of are one route, however many they are.
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
    run.say(&format!("{RANDOM_PATHS} random paths: {before:?} series before, {after:?} after"));
    ensure!(before.len() == 2 && before == after, "random paths add series: {before:?} before, {after:?} after");
    Ok(())
}

/// Requests at a steady pace, until it is finished.
struct Load {
    stop: tokio::sync::watch::Sender<bool>,
    workers: JoinSet<Result<()>>,
}

impl Load {
    async fn start(backend: &Running, frontend: &Running) -> Result<Self> {
        let client = reqwest::Client::new();
        let form = r#"{"email":"load@example.com","password":"correct horse battery"}"#;
        let sign_up =
            client.post(format!("{}/api/auth/sign-up", backend.url)).header("content-type", "application/json");
        let answer = sign_up.body(form).send().await?.error_for_status()?;
        let cookie = answer.headers().get("set-cookie").context("signing up set no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();

        let stop = tokio::sync::watch::Sender::new(false);
        let mut workers = JoinSet::new();
        for (url, pace) in [
            (format!("{}/api/tasks", backend.url), PACE),
            (format!("{}/sign-in", frontend.url), PACE * 10),
            (format!("{}/api/auth/me", frontend.url), PACE * 10),
        ] {
            let (client, cookie, stop) = (client.clone(), cookie.clone(), stop.subscribe());
            workers.spawn(async move {
                let mut ticks = tokio::time::interval(pace);
                // What came late is caught up with: the average stays what it is.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                while !*stop.borrow() {
                    ticks.tick().await;
                    client.get(&url).header("cookie", &cookie).send().await?.error_for_status()?.bytes().await?;
                }
                Ok(())
            });
        }
        Ok(Self { stop, workers })
    }

    async fn finish(self) -> Result<()> {
        self.stop.send_replace(true);
        self.workers.join_all().await.into_iter().collect()
    }
}

/// A Prometheus that looks at both every second.
struct Prometheus {
    program: Program,
    url: String,
}

impl Prometheus {
    async fn start(
        run: &StepRun<'_>,
        program: &Path,
        directory: &Path,
        backend: &Running,
        frontend: &Running,
    ) -> Result<Self> {
        let target = |component: &str, address: &Option<String>| {
            serde_json::json!({
                "job_name": format!("todo-{component}"),
                "static_configs": [{
                    "targets": [address],
                    "labels": { "namespace": "default", "component": component, "pod": format!("{component}-0") },
                }],
            })
        };
        // In the place of those that look for pods.
        let config = serde_json::json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": ["rules.yml"],
            "scrape_configs": [target("backend", &backend.metrics), target("frontend", &frontend.metrics)],
        });
        let file = directory.join("processes.yml");
        std::fs::write(&file, config.to_string())?;
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0");
        let mut program = Program::start(command, run.server_sink("prometheus")?)?;
        let address = program.line("address", LIMIT, |line| {
            let rest = line.split_once("\"Listening on\"")?.1.split_once("address=")?.1;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        let url = format!("http://{}", address.await?);
        let prometheus = Self { program, url };
        prometheus
            .until("both processes are seen", async || {
                let up = prometheus.one("sum(up)").await?;
                ensure!((up - 2.0).abs() < 0.1, "{up} are");
                Ok(())
            })
            .await?;
        Ok(prometheus)
    }

    async fn get(&self, path: &str) -> Result<String> {
        Ok(reqwest::get(format!("{}{path}", self.url)).await?.text().await?)
    }

    async fn ask(&self, expr: &str) -> Result<Vec<Sample>> {
        prometheus::samples(&self.get(&prometheus::query(expr)).await?).with_context(|| expr.to_owned())
    }

    async fn one(&self, expr: &str) -> Result<f64> {
        Ok(self.ask(expr).await?.first().with_context(|| format!("no data: {expr}"))?.value)
    }

    async fn alerts(&self) -> Result<Vec<Alert>> {
        let alerts = prometheus::alerts(&self.get(prometheus::RULES).await?)?;
        ensure!(!alerts.is_empty(), "Prometheus has no rules");
        Ok(alerts)
    }

    /// Asks for these addresses all the while.
    async fn until_firing(&self, name: &str, urls: &[&str]) -> Result<()> {
        self.until(&format!("{name} fires"), async || {
            for url in urls {
                let answer = reqwest::get(*url).await?;
                ensure!(answer.status().is_server_error(), "{url} answers {}", answer.status());
            }
            let alerts = self.alerts().await?;
            let alert = alerts.iter().find(|alert| alert.name == name).with_context(|| format!("no alert {name}"))?;
            ensure!(alert.state == "firing", "it is {}", alert.state);
            Ok(())
        })
        .await
    }

    async fn until(&self, awaited: &str, mut ask: impl AsyncFnMut() -> Result<()>) -> Result<()> {
        let end = Instant::now() + LIMIT;
        while let Err(error) = ask().await {
            if Instant::now() > end {
                bail!("waited {LIMIT:?} in vain: {awaited}: {error:#}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}
