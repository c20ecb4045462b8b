//! US6: the chart's Prometheus measures the application. There is no package of Grafana, so only the queries of its
//! dashboards are made here; the step `chart-grafana` checks its provisioning.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use todo::rollout::pod::is_ready;
use todo_e2e::{
    load::{Load, OnFailure},
    model, program,
    release::{NAME, Release, chart},
    suite::Suite,
    user::User,
    wait::wait_until,
};
use todo_llm::{Model, Reply, Rule, Script};
use xtask::monitoring::{
    dashboards::{queries, selectors},
    prometheus::{self, Alert, Sample},
};

/// Alerts look at seconds, so that a test need not wait for hours.
const MONITORING: &[&str] = &[
    "backend.replicas=2",
    "frontend.replicas=2",
    "monitoring.enabled=true",
    "monitoring.grafana.enabled=false",
    "monitoring.alerts.fastBurn.long=30s",
    "monitoring.alerts.fastBurn.short=15s",
    "monitoring.alerts.slowBurn.long=30s",
    "monitoring.alerts.slowBurn.short=15s",
    "monitoring.alerts.window=30s",
    "monitoring.alerts.for=5s",
    // The test sends messages without a pause.
    "config.chatTurnsPerMinute=1000",
];
/// Kubelets do not measure volumes that are directories of the node, as Minikube's are.
const VOLUME_METRICS: &str = "kubelet_volume_stats_";
/// How soon Prometheus has to show a change: SC-007 and US6.3.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause between two messages to the assistant.
const MESSAGE_INTERVAL: Duration = Duration::from_millis(300);
/// The message to which the model answers with an error.
const FAILING_MESSAGE: &str = "fail";

/// The shared release with monitoring and a model that can be made to fail, and the values of that.
async fn monitored(suite: &Suite) -> Result<(&Release, Model, Vec<String>)> {
    let mut script = Script::demo();
    script.rules.insert(0, Rule::user(&format!("^{FAILING_MESSAGE}$"), [Reply::status(400)]));
    let (model, values) = model::start(&suite.cluster, script).await?;
    let values: Vec<_> = MONITORING.iter().map(ToString::to_string).chain(values).collect();
    Ok((suite.shared_release(&as_strs(&values)).await?, model, values))
}

fn as_strs(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// This shows US6.1, US6.3 and SC-007 too.
pub async fn us6_2_every_panel_has_data_and_follows_the_load(suite: &Suite) -> Result<()> {
    let (release, _model, values) = monitored(suite).await?;
    let prometheus = Prometheus::of(release).await?;
    let old = release.names("backend").await?;
    release.apply(&[&as_strs(&values)[..], &["backend.replicas=3"]].concat()).await?;
    let name = release.new_pod("backend", &old).await?;
    wait_until("the new backend is ready", Duration::from_mins(1), async || {
        ensure!(is_ready(&release.api::<Pod>().get(&name).await?), "{name} is not ready");
        Ok(())
    })
    .await?;
    let start = Instant::now();
    let up = format!(r#"up{{component="backend", pod="{name}"}}"#);
    wait_until("the new backend is a target that is up", SCRAPE_TIMEOUT, async || prometheus.at_least(&up, 1.0).await)
        .await?;
    suite.report.time("SC-007 target up after the pod is ready", SCRAPE_TIMEOUT, start.elapsed())?;

    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let seen = r#"sum(http_requests_total{component="frontend", route="/api/*"})"#;
    let before = prometheus.settled(seen).await?;
    let load = Load::start(&proxy.url, OnFailure::Continue).await?;
    let start = Instant::now();
    let rate = r#"sum(rate(http_requests_total{component="backend", route="/api/tasks"}[20s]))"#;
    wait_until("the rate moves", SCRAPE_TIMEOUT, async || prometheus.at_least(rate, 5.0).await).await?;
    suite.report.time("US6.3 rate moved after the load began", SCRAPE_TIMEOUT, start.elapsed())?;
    let mut turns = 0;
    let panels = tokio::select! {
        panels = every_panel(&prometheus, &release.namespace) => panels,
        stopped = send_messages(&user, &mut turns) => stopped.map(|never| match never {}),
    };
    let outcome = load.finish().await;
    let panels = panels?;
    suite.report.add("US6.2 panels' queries without data", 0, format!("0 of {panels}"));

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let sent = (outcome.requests() + turns) as f64;
    let counted = prometheus.settled(seen).await? - before;
    suite.report.add("US6.1 requests seen by Prometheus", "± 5 %", format!("{counted} of {sent} sent"));
    ensure!((counted / sent - 1.0).abs() < 0.05, "{sent} requests were sent, Prometheus counted {counted}");
    Ok(())
}

/// Has the model call a tool, repeatedly.
async fn send_messages(user: &User, turns: &mut usize) -> Result<Infallible> {
    loop {
        *turns += 1;
        user.chat(&json!({ "message": "list all" })).await?.read_until("event: message_end").await?;
        tokio::time::sleep(MESSAGE_INTERVAL).await;
    }
}

/// Waits until the query of each panel has data, and returns the number of queries.
async fn every_panel(prometheus: &Prometheus<'_>, namespace: &str) -> Result<usize> {
    let queries = queries(&chart().join("dashboards"))?;
    for query in &queries {
        let expr = query.filled(namespace, "1m", "20s");
        wait_until(&format!("data for {}: {expr}", query.panel), SCRAPE_TIMEOUT, async || prometheus.data(&expr).await)
            .await?;
    }
    // The kubelet's metrics of containers have to be there, not only those of the processes.
    for component in ["backend", "frontend", "postgres", "prometheus"] {
        let expr = format!(r#"container_memory_working_set_bytes{{container="{component}"}}"#);
        wait_until(&format!("the kubelet's metrics of {component}"), SCRAPE_TIMEOUT, async || {
            prometheus.data(&expr).await
        })
        .await?;
    }
    Ok(queries.len())
}

pub async fn us6_1_alerts_fire_and_resolve(suite: &Suite) -> Result<()> {
    let (release, _model, _) = monitored(suite).await?;
    let prometheus = Prometheus::of(release).await?;
    let proxy = release.proxy().await?;
    let send_request = async || {
        // Any answer will do.
        drop(reqwest::get(format!("{}/api/tasks", proxy.url)).await);
        Ok(())
    };
    let alerts = ["TodoDatabaseAway", "TodoNotReady", "TodoHighErrorRate", "TodoErrorBudgetBurning"];
    let of_the_model = ["TodoModelFailing"];
    prometheus.wait_until_state(&alerts, "inactive", send_request).await?;
    prometheus.wait_until_state(&of_the_model, "inactive", send_request).await?;

    let user = User::sign_up(&proxy.url).await?;
    let start = Instant::now();
    prometheus
        .wait_until_state(&of_the_model, "firing", async || {
            user.chat(&json!({ "message": FAILING_MESSAGE })).await?.read_until("event: error").await.map(drop)
        })
        .await?;
    suite.report.time("US6 an alert fires, the model failing", Duration::from_mins(1), start.elapsed())?;

    let scale = async |replicas: &str| {
        let set = format!("statefulset/{NAME}-postgres");
        let scale = release.kubectl(["scale", &set, "--replicas", replicas]);
        program::stdout(scale).await.map(drop)
    };
    release.invalidate();
    scale("0").await?;
    let start = Instant::now();
    prometheus.wait_until_state(&alerts, "firing", send_request).await?;
    suite.report.time("US6 alerts fire, the database gone", Duration::from_mins(1), start.elapsed())?;
    for alert in prometheus.alerts().await? {
        ensure!(alert.health == "ok", "{} is {}", alert.name, alert.health);
        for selector in selectors(&alert.query) {
            let is_absent = selector.starts_with(VOLUME_METRICS);
            let data = prometheus.ask(&format!("last_over_time({selector}[5m])")).await?;
            ensure!(!data.is_empty() || is_absent, "{} looks at what is not there: {selector}", alert.name);
        }
    }
    scale("1").await?;
    release.wait_until_settled().await?;
    let start = Instant::now();
    prometheus.wait_until_state(&alerts, "inactive", send_request).await?;
    prometheus.wait_until_state(&of_the_model, "inactive", send_request).await?;
    suite.report.time("US6 alerts resolve, the database back", Duration::from_mins(1), start.elapsed())
}

struct Prometheus<'a> {
    release: &'a Release,
    pod: Pod,
}

impl<'a> Prometheus<'a> {
    async fn of(release: &'a Release) -> Result<Self> {
        Ok(Self { release, pod: release.pod("prometheus").await? })
    }

    async fn get(&self, path: &str) -> Result<String> {
        Ok(self.release.request_pod(&self.pod, 9090, path).await?.1)
    }

    async fn ask(&self, expr: &str) -> Result<Vec<Sample>> {
        prometheus::samples(&self.get(&prometheus::query(expr)).await?).with_context(|| expr.to_owned())
    }

    async fn data(&self, expr: &str) -> Result<()> {
        ensure!(self.ask(expr).await?.iter().any(|sample| sample.value.is_finite()), "no data");
        Ok(())
    }

    async fn at_least(&self, expr: &str, least: f64) -> Result<()> {
        let value = self.ask(expr).await?.first().context("no data")?.value;
        ensure!(value >= least, "{expr} is {value}");
        Ok(())
    }

    /// Waits until the value of a query has not changed for three scrapes, and returns it.
    async fn settled(&self, expr: &str) -> Result<f64> {
        let settled = format!("({expr}) and changes(({expr})[15s:5s]) == 0");
        wait_until("the counters settle", SCRAPE_TIMEOUT * 2, async || {
            Ok(self.ask(&settled).await?.first().context("they change")?.value)
        })
        .await
    }

    async fn alerts(&self) -> Result<Vec<Alert>> {
        prometheus::alerts(&self.get(prometheus::RULES).await?)
    }

    /// Waits until these alerts are all `inactive` or all `firing`, while somebody uses the application.
    async fn wait_until_state(
        &self,
        names: &[&str],
        state: &str,
        send_request: impl AsyncFn() -> Result<()>,
    ) -> Result<()> {
        wait_until(&format!("{} are {state}", names.join(", ")), Duration::from_mins(2), async || {
            send_request().await?;
            prometheus::ensure_state(&self.alerts().await?, names, state)
        })
        .await
    }
}
