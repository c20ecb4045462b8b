//! Faults, the alerts that fire for them, and that these end with them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, Executor, PgConnection};
use todo::stack::{Backend, Running};

use super::{crowd::Crowd, prometheus::Prometheus};
use crate::test::context::StepRun;

/// Windows of seconds, so that alerts fire and resolve within a minute, and a volume that is soon full.
pub const QUICK: &[&str] = &[
    "monitoring.alerts.fastBurn.long=10s",
    "monitoring.alerts.fastBurn.short=5s",
    "monitoring.alerts.slowBurn.long=10s",
    "monitoring.alerts.slowBurn.short=5s",
    "monitoring.alerts.window=10s",
    "monitoring.alerts.restartWindow=1m",
    "monitoring.alerts.for=2s",
    "postgres.storage.size=32Mi",
];

/// Some 26 MB, on top of the 8 that an empty database has.
const FILL: &str = "create unlogged table ballast as select md5(number::text) from generate_series(1, 400000) number";
/// As long as requests may wait for the database, and no longer than for a connection to it.
const HELD: Duration = Duration::from_millis(1200);
/// One of 100 requests is enough for the 99th percentile; with fewer than there are connections, nobody is refused.
const SLOW: usize = 3;

/// Makes faults while people go on using the application: the disk fills, the model fails, and somebody has the tasks
/// to himself, as a careless migration would.
pub async fn come_and_go(prometheus: &Prometheus, crowd: &Crowd, database_url: &str) -> Result<()> {
    let alerts = ["TodoDiskFilling", "TodoModelFailing", "TodoSlow"];
    prometheus.until_state(&alerts, "inactive", async || Ok(())).await?;
    let mut database = PgConnection::connect(database_url).await?;
    database.execute(FILL).await?;
    let mut other = PgConnection::connect(database_url).await?;
    prometheus
        .until_state(&alerts, "firing", async || {
            let mut alone = other.begin().await?;
            alone.execute("lock table tasks").await?;
            let release = async {
                tokio::time::sleep(HELD).await;
                Ok(alone.rollback().await?)
            };
            tokio::try_join!(crowd.list(SLOW), crowd.talk_to_failing_model(), release).map(drop)
        })
        .await?;
    database.execute("drop table ballast").await?;
    prometheus.until_state(&alerts, "inactive", async || Ok(())).await
}

/// Starts the backend anew at the same address until that is once too often.
pub async fn restart(
    run: &StepRun<'_>,
    prometheus: &Prometheus,
    backend: Backend,
    mut running: Running,
) -> Result<Running> {
    let metrics = running.metrics.as_deref().context("the backend has metrics")?;
    let backend = Backend { port: port(&running.url)?, metrics_port: port(metrics)?, ..backend };
    let sink = run.server_sink("restarted-backend")?;
    prometheus.until_state(&["TodoRestarting"], "inactive", async || Ok(())).await?;
    for times in [1.0, 2.0, 3.0] {
        // The metric of the start time has whole seconds.
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.program.stop().await;
        running = backend.start(sink.clone()).await?;
        prometheus
            .until("the restart is seen", async || {
                let starts = r#"changes(process_start_time_seconds{component="backend"}[1m])"#;
                let seen = prometheus.one(starts).await?;
                ensure!(seen >= times, "{seen} are");
                Ok(())
            })
            .await?;
    }
    prometheus.until_state(&["TodoRestarting"], "firing", async || Ok(())).await?;
    Ok(running)
}

fn port(address: &str) -> Result<u16> {
    let (_, port) = address.rsplit_once(':').with_context(|| format!("{address} has no port"))?;
    Ok(port.parse()?)
}
