//! A real Prometheus.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use todo::{process::Program, stack::Running};
use tokio::process::Command;

use crate::{
    monitoring::{
        picture::Span,
        prometheus::{self, Alert, Sample, Series},
    },
    test::context::StepRun,
};

const START_LIMIT: Duration = Duration::from_secs(30);
/// Enough for alerts with windows of seconds to fire and to resolve.
const LIMIT: Duration = Duration::from_mins(1);

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
        // These replace the scrape configurations that discover pods.
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
        let address = program.line("address", START_LIMIT, |line| {
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

    pub async fn ask(&self, expr: &str) -> Result<Vec<Sample>> {
        prometheus::samples(&self.get(&prometheus::query(expr)).await?).with_context(|| expr.to_owned())
    }

    pub async fn over(&self, span: Span, expr: &str) -> Result<Vec<Series>> {
        let query = prometheus::query_range(expr, span.from, span.to, span.step());
        prometheus::series(&self.get(&query).await?).with_context(|| expr.to_owned())
    }

    pub async fn one(&self, expr: &str) -> Result<f64> {
        Ok(self.ask(expr).await?.first().with_context(|| format!("no data: {expr}"))?.value)
    }

    pub async fn alerts(&self) -> Result<Vec<Alert>> {
        prometheus::alerts(&self.get(prometheus::RULES).await?)
    }

    /// Waits until these alerts are all `inactive` or all `firing`, and does something all the while.
    pub async fn until_state(
        &self,
        names: &[&str],
        state: &str,
        mut meanwhile: impl AsyncFnMut() -> Result<()>,
    ) -> Result<()> {
        self.until(&format!("{} are {state}", names.join(", ")), async || {
            meanwhile().await?;
            prometheus::ensure_state(&self.alerts().await?, names, state)
        })
        .await
    }

    pub async fn until(&self, awaited: &str, mut ask: impl AsyncFnMut() -> Result<()>) -> Result<()> {
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
