//! SC-003 and E3: pods die while people work, and no answered write is lost.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kube::ResourceExt;
use todo::rollout::pod::{is_ready, restarts};
use todo_e2e::{
    load::{Load, OnFailure},
    program,
    release::ensure_restarts,
    suite::{BASELINE, Suite},
    wait::wait_until,
};

use crate::health::{NOT_READY, ensure_no_restart, seconds, wait_until_all_answer, wait_until_endpoints};

const KILLS: usize = 4;

pub async fn sc_003_backends_killed_at_random_lose_nothing(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let node = suite.node().await?;
    let proxy = release.proxy().await?;
    let load = Load::start(&proxy.url, OnFailure::Retry).await?;
    for kill in 0..KILLS {
        wait_until("a backend to kill", Duration::from_mins(1), async || {
            let mut pods = release.pods("backend").await?;
            pods.retain(is_ready);
            ensure!(!pods.is_empty(), "none is ready");
            let victim = pods.swap_remove(usize::from(uuid::Uuid::new_v4().as_bytes()[0]) % pods.len());
            // Either only the process is killed, or the whole pod is deleted with its address.
            if kill % 2 == 0 {
                node.signal(&victim, "KILL").await
            } else {
                let name = victim.name_any();
                program::stdout(release.kubectl(["delete", "pod", &name, "--grace-period=0", "--force"]))
                    .await
                    .map(drop)
            }
        })
        .await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    release.wait_until_settled().await?;
    let outcome = load.finish().await;
    let compared = outcome.ensure_nothing_lost(&proxy.url).await?;
    let measured = format!("0 and 0 of {compared}; {KILLS} kills, {}", outcome.summary());
    suite.report.add("SC-003 answered writes lost, written twice", "0 and 0", measured);
    Ok(())
}

pub async fn e3_the_database_pod_is_deleted_under_load(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let proxy = release.proxy().await?;
    let backends = release.pods("backend").await?;
    let old = release.pod("postgres").await?;
    let load = Load::start(&proxy.url, OnFailure::Retry).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let start = Instant::now();
    program::stdout(release.kubectl(["delete", "pod", &old.name_any(), "--grace-period=0", "--force"])).await?;
    wait_until("another database pod", Duration::from_mins(1), async || {
        ensure!(release.pod("postgres").await?.uid() != old.uid(), "still the old one");
        Ok(())
    })
    .await?;
    release.wait_until_settled().await?;
    wait_until_all_answer(release, &backends, 200, "ready").await?;
    let recovered = start.elapsed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let outcome = load.finish().await;
    let compared = outcome.ensure_nothing_lost(&proxy.url).await?;
    ensure!(outcome.failed() > 0, "no request met the outage");
    suite.report.time("E3 recovery after the database pod was deleted", Duration::from_mins(1), recovered)?;
    suite.report.add("E3 answered writes lost", 0, format!("0 of {compared}; {}", outcome.summary()));
    ensure_no_restart(release, &backends).await
}

pub async fn e3_the_database_is_unreachable_under_load(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let node = suite.node().await?;
    let proxy = release.proxy().await?;
    let backends = release.pods("backend").await?;
    let database = release.pod("postgres").await?;
    let load = Load::start(&proxy.url, OnFailure::Retry).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;

    node.isolate(&database).await?;
    let start = Instant::now();
    let cut_off = async {
        wait_until_all_answer(release, &backends, 503, NOT_READY).await?;
        wait_until_endpoints(release, 0).await
    };
    let cut_off = cut_off.await;
    let unready = start.elapsed();
    node.reconnect(&database).await?;
    cut_off?;
    let start = Instant::now();
    wait_until_endpoints(release, 2).await?;
    let recovered = start.elapsed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let outcome = load.finish().await;
    let compared = outcome.ensure_nothing_lost(&proxy.url).await?;
    ensure!(outcome.failed() > 0, "no request met the outage");
    suite.report.add("E3 unready, database unreachable", "≤ 30 s", seconds(unready));
    suite.report.time("E3 recovery after it came back", Duration::from_mins(1), recovered)?;
    suite.report.add("E3 answered writes lost, unreachable", 0, format!("0 of {compared}; {}", outcome.summary()));
    ensure_restarts(&release.pod("postgres").await?, restarts(&database))?;
    ensure_no_restart(release, &backends).await
}
