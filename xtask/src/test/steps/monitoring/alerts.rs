//! Causes faults, and checks that alerts fire and resolve.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, Executor, PgConnection};
use todo::stack::{Backend, Running};

use super::{load::Users, prometheus::Prometheus};
use crate::test::context::StepRun;

/// Values of the chart with windows of seconds, so that alerts fire and resolve within a minute, and a small volume.
pub const SHORT_WINDOWS: &[&str] = &[
    "monitoring.alerts.fastBurn.long=10s",
    "monitoring.alerts.fastBurn.short=5s",
    "monitoring.alerts.slowBurn.long=10s",
    "monitoring.alerts.slowBurn.short=5s",
    "monitoring.alerts.window=10s",
    "monitoring.alerts.restartWindow=1m",
    "monitoring.alerts.for=2s",
    "postgres.storage.size=32Mi",
];

/// Adds about 26 MB to the 8 MB of an empty database.
const FILL_DISK: &str =
    "create unlogged table ballast as select md5(number::text) from generate_series(1, 400000) number";
/// How long the table is locked: longer than the alert's limit for requests, but shorter than the time limit of a
/// connection.
const LOCK_DURATION: Duration = Duration::from_millis(1200);
/// The number of requests that wait for the lock. One of 100 is enough for the 99th percentile, and with fewer requests
/// than connections no other request is refused.
const SLOW_REQUESTS: usize = 3;

/// Causes faults under load: the disk fills up, the model fails, and a transaction locks the table of tasks, as a
/// careless migration would. Checks that the alerts fire, and resolve afterwards.
pub async fn fire_and_resolve(prometheus: &Prometheus, users: &Users, database_url: &str) -> Result<()> {
    let alerts = ["TodoDiskFilling", "TodoModelFailing", "TodoSlow"];
    prometheus.wait_for_state(&alerts, "inactive", async || Ok(())).await?;
    let mut database = PgConnection::connect(database_url).await?;
    database.execute(FILL_DISK).await?;
    let mut other = PgConnection::connect(database_url).await?;
    prometheus
        .wait_for_state(&alerts, "firing", async || {
            let mut transaction = other.begin().await?;
            transaction.execute("lock table tasks").await?;
            let release = async {
                tokio::time::sleep(LOCK_DURATION).await;
                Ok(transaction.rollback().await?)
            };
            tokio::try_join!(users.list_tasks(SLOW_REQUESTS), users.run_failing_turn(), release).map(drop)
        })
        .await?;
    database.execute("drop table ballast").await?;
    prometheus.wait_for_state(&alerts, "inactive", async || Ok(())).await
}

/// Restarts the backend at the same address until the alert about restarts fires.
pub async fn restart(
    run: &StepRun<'_>,
    prometheus: &Prometheus,
    backend: Backend,
    mut running: Running,
) -> Result<Running> {
    let metrics = running.metrics.as_deref().context("the backend has metrics")?;
    let backend = Backend { port: port(&running.url)?, metrics_port: port(metrics)?, ..backend };
    let sink = run.server_sink("restarted-backend")?;
    prometheus.wait_for_state(&["TodoRestarting"], "inactive", async || Ok(())).await?;
    for times in [1.0, 2.0, 3.0] {
        // The metric of the start time has a resolution of one second.
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.program.stop().await;
        running = backend.start(sink.clone()).await?;
        prometheus
            .wait_until("the metrics show the restart", async || {
                let starts = r#"changes(process_start_time_seconds{component="backend"}[1m])"#;
                let restarts = prometheus.query_value(starts).await?;
                ensure!(restarts >= times, "{restarts} restarts");
                Ok(())
            })
            .await?;
    }
    prometheus.wait_for_state(&["TodoRestarting"], "firing", async || Ok(())).await?;
    Ok(running)
}

fn port(address: &str) -> Result<u16> {
    let (_, port) = address.rsplit_once(':').with_context(|| format!("{address} has no port"))?;
    Ok(port.parse()?)
}
