//! US6: Prometheus in the chart sees the application. Grafana is in no package: its dashboards' queries are asked here,
//! its provisioning is checked by the step `chart-grafana`.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use todo::rollout::pod::is_ready;
use todo_e2e::{
    load::{Failing, Load},
    model, program,
    release::{NAME, Release, chart},
    suite::{BASELINE, Suite},
    user::User,
    wait::until,
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
    // For a user who never stops talking.
    "config.chatTurnsPerMinute=1000",
];
/// Kubelets do not measure volumes that are directories of the node, as Minikube's are.
const OF_VOLUMES: &str = "kubelet_volume_stats_";
/// SC-007, and US6.3.
const LIVE: Duration = Duration::from_secs(30);

/// Of somebody who talks fast.
const BETWEEN_TURNS: Duration = Duration::from_millis(300);
/// What the model fails at.
const FAILING: &str = "fail";

/// The standing release with monitoring and a model that fails when it is told to, and the values of that.
async fn monitored(suite: &Suite) -> Result<(&Release, Model, Vec<String>)> {
    let mut script = Script::demo();
    script.rules.insert(0, Rule::user(&format!("^{FAILING}$"), [Reply::status(400)]));
    let (model, values) = model::start(&suite.cluster, script).await?;
    let values: Vec<_> = MONITORING.iter().map(ToString::to_string).chain(values).collect();
    Ok((suite.standing(&texts(&values)).await?, model, values))
}

fn texts(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// Also US6.1, US6.3 and SC-007.
pub async fn us6_2_every_panel_has_data_and_follows_the_load(suite: &Suite) -> Result<()> {
    let (release, _model, values) = monitored(suite).await?;
    let prometheus = Prometheus::of(release).await?;
    let old = release.names("backend").await?;
    release.apply(&[&texts(&values)[..], &["backend.replicas=3"]].concat()).await?;
    let name = release.new_pod("backend", &old).await?;
    until("the new backend is ready", Duration::from_mins(1), async || {
        ensure!(is_ready(&release.api::<Pod>().get(&name).await?), "{name} is not ready");
        Ok(())
    })
    .await?;
    let start = Instant::now();
    let up = format!(r#"up{{component="backend", pod="{name}"}}"#);
    until("the new backend is a target that is up", LIVE, async || prometheus.at_least(&up, 1.0).await).await?;
    suite.report.time("SC-007 target up after the pod is ready", LIVE, start.elapsed())?;

    let door = release.door().await?;
    let user = User::sign_up(&door.url).await?;
    let seen = r#"sum(http_requests_total{component="frontend", route="/api/*"})"#;
    let before = prometheus.settled(seen).await?;
    let load = Load::start(&door.url, Failing::GoesOn).await?;
    let start = Instant::now();
    let rate = r#"sum(rate(http_requests_total{component="backend", route="/api/tasks"}[20s]))"#;
    until("the rate moves", LIVE, async || prometheus.at_least(rate, 5.0).await).await?;
    suite.report.time("US6.3 rate moved after the load began", LIVE, start.elapsed())?;
    let mut turns = 0;
    let panels = tokio::select! {
        panels = every_panel(&prometheus, &release.namespace) => panels,
        stopped = talk(&user, &mut turns) => stopped.map(|never| match never {}),
    };
    let outcome = load.finish().await;
    let panels = panels?;
    suite.report.add("US6.2 panels' queries without data", 0, format!("0 of {panels}"));

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let sent = (outcome.requests() + turns) as f64;
    let counted = prometheus.settled(seen).await? - before;
    suite.report.add("US6.1 requests seen by Prometheus", "± 5 %", format!("{counted} of {sent} sent"));
    ensure!((counted / sent - 1.0).abs() < 0.05, "{sent} requests were sent, Prometheus counted {counted}");
    suite.standing(BASELINE).await.map(drop)
}

/// Has the model call a tool, again and again.
async fn talk(user: &User, turns: &mut usize) -> Result<Infallible> {
    loop {
        *turns += 1;
        user.chat(&json!({ "message": "list all" })).await?.until("event: message_end").await?;
        tokio::time::sleep(BETWEEN_TURNS).await;
    }
}

/// Asks until each has data, and gives their number.
async fn every_panel(prometheus: &Prometheus<'_>, namespace: &str) -> Result<usize> {
    let queries = queries(&chart().join("dashboards"))?;
    for query in &queries {
        let expr = query.filled(namespace, "1m", "20s");
        until(&format!("data for {}: {expr}", query.panel), LIVE, async || prometheus.data(&expr).await).await?;
    }
    // The pods' containers, and not only what processes tell of themselves.
    for component in ["backend", "frontend", "postgres", "prometheus"] {
        let expr = format!(r#"container_memory_working_set_bytes{{container="{component}"}}"#);
        until(&format!("the kubelet tells of {component}"), LIVE, async || prometheus.data(&expr).await).await?;
    }
    Ok(queries.len())
}

pub async fn us6_1_alerts_fire_and_resolve(suite: &Suite) -> Result<()> {
    let (release, _model, _) = monitored(suite).await?;
    let prometheus = Prometheus::of(release).await?;
    let door = release.door().await?;
    let visit = async || {
        // However it is answered.
        drop(reqwest::get(format!("{}/api/tasks", door.url)).await);
        Ok(())
    };
    let alerts = ["TodoDatabaseAway", "TodoNotReady", "TodoHighErrorRate", "TodoErrorBudgetBurning"];
    let of_the_model = ["TodoModelFailing"];
    prometheus.until_state(&alerts, "inactive", visit).await?;
    prometheus.until_state(&of_the_model, "inactive", visit).await?;

    let user = User::sign_up(&door.url).await?;
    let start = Instant::now();
    prometheus
        .until_state(&of_the_model, "firing", async || {
            user.chat(&json!({ "message": FAILING })).await?.until("event: error").await.map(drop)
        })
        .await?;
    suite.report.time("US6 an alert fires, the model failing", Duration::from_mins(1), start.elapsed())?;

    let scale = async |replicas: &str| {
        let set = format!("statefulset/{NAME}-postgres");
        let scale = release.kubectl(["scale", &set, "--replicas", replicas]);
        program::succeed(scale).await.map(drop)
    };
    release.forget();
    scale("0").await?;
    let start = Instant::now();
    prometheus.until_state(&alerts, "firing", visit).await?;
    suite.report.time("US6 alerts fire, the database gone", Duration::from_mins(1), start.elapsed())?;
    for alert in prometheus.alerts().await? {
        ensure!(alert.health == "ok", "{} is {}", alert.name, alert.health);
        for selector in selectors(&alert.query) {
            let is_absent = selector.starts_with(OF_VOLUMES);
            let data = prometheus.ask(&format!("last_over_time({selector}[5m])")).await?;
            ensure!(!data.is_empty() || is_absent, "{} looks at what is not there: {selector}", alert.name);
        }
    }
    scale("1").await?;
    release.until_settled().await?;
    let start = Instant::now();
    prometheus.until_state(&alerts, "inactive", visit).await?;
    prometheus.until_state(&of_the_model, "inactive", visit).await?;
    suite.report.time("US6 alerts resolve, the database back", Duration::from_mins(1), start.elapsed())?;
    suite.standing(BASELINE).await.map(drop)
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
        Ok(self.release.ask(&self.pod, 9090, path).await?.1)
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

    /// The value of a query once it has not changed for three scrapes.
    async fn settled(&self, expr: &str) -> Result<f64> {
        let settled = format!("({expr}) and changes(({expr})[15s:5s]) == 0");
        until("the counters settle", LIVE * 2, async || {
            Ok(self.ask(&settled).await?.first().context("they change")?.value)
        })
        .await
    }

    async fn alerts(&self) -> Result<Vec<Alert>> {
        prometheus::alerts(&self.get(prometheus::RULES).await?)
    }

    /// Waits until these alerts are all `inactive` or all `firing`, while somebody uses the application.
    async fn until_state(&self, names: &[&str], state: &str, visit: impl AsyncFn() -> Result<()>) -> Result<()> {
        until(&format!("{} are {state}", names.join(", ")), Duration::from_mins(2), async || {
            visit().await?;
            prometheus::ensure_state(&self.alerts().await?, names, state)
        })
        .await
    }
}
