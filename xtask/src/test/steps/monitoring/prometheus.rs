//! A Prometheus server as a process, and its HTTP API.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use todo::{process::Program, stack::Running};
use tokio::process::Command;

use crate::{
    monitoring::{
        picture::TimeRange,
        prometheus::{self, Alert, Sample, Series},
    },
    test::context::StepRun,
};

const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The time limit for alerts with windows of seconds to fire or to resolve.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A Prometheus that scrapes both processes every second.
pub struct Prometheus {
    pub program: Program,
    url: String,
}

impl Prometheus {
    pub async fn start(
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
        // These targets replace the chart's scrape configurations, which discover pods.
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
        let address = program.line("address", START_TIMEOUT, |line| {
            let rest = line.split_once("\"Listening on\"")?.1.split_once("address=")?.1;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        let url = format!("http://{}", address.await?);
        let prometheus = Self { program, url };
        prometheus
            .wait_until("both processes are scraped", async || {
                let up = prometheus.query_value("sum(up)").await?;
                ensure!((up - 2.0).abs() < 0.1, "{up} are up");
                Ok(())
            })
            .await?;
        Ok(prometheus)
    }

    async fn get(&self, path: &str) -> Result<String> {
        Ok(reqwest::get(format!("{}{path}", self.url)).await?.text().await?)
    }

    /// Runs an instant query.
    pub async fn query(&self, expr: &str) -> Result<Vec<Sample>> {
        prometheus::samples(&self.get(&prometheus::query(expr)).await?).with_context(|| expr.to_owned())
    }

    /// Runs a range query.
    pub async fn query_range(&self, range: TimeRange, expr: &str) -> Result<Vec<Series>> {
        let query = prometheus::query_range(expr, range.from, range.to, range.step());
        prometheus::series(&self.get(&query).await?).with_context(|| expr.to_owned())
    }

    /// The value of the first sample of an instant query.
    pub async fn query_value(&self, expr: &str) -> Result<f64> {
        Ok(self.query(expr).await?.first().with_context(|| format!("no data: {expr}"))?.value)
    }

    pub async fn alerts(&self) -> Result<Vec<Alert>> {
        prometheus::alerts(&self.get(prometheus::RULES).await?)
    }

    /// Waits until these alerts are all in a state, `inactive` or `firing`. Runs `action` before each check.
    pub async fn wait_for_state(
        &self,
        names: &[&str],
        state: &str,
        mut action: impl AsyncFnMut() -> Result<()>,
    ) -> Result<()> {
        self.wait_until(&format!("{} are {state}", names.join(", ")), async || {
            action().await?;
            prometheus::ensure_state(&self.alerts().await?, names, state)
        })
        .await
    }

    /// Repeats a check until it succeeds, at most for [`TIMEOUT`].
    pub async fn wait_until(&self, description: &str, mut check: impl AsyncFnMut() -> Result<()>) -> Result<()> {
        let end = Instant::now() + TIMEOUT;
        while let Err(error) = check().await {
            if Instant::now() > end {
                bail!("waited {TIMEOUT:?} in vain: {description}: {error:#}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}
