//! US2: Kubernetes asks the backend how it is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{core::v1::Pod, discovery::v1::EndpointSlice};
use kube::{ResourceExt, api::ListParams};
use todo::rollout::pod::restarts;
use todo_e2e::{
    program,
    release::{NAME, Release, ensure_restarts},
    suite::{BASELINE, Suite},
    user::User,
    wait::{ensure_throughout, wait_until},
};

/// The beginning of the answer while the database is away.
pub const NOT_READY: &str = r#"{"status":"not_ready","reason":"the database "#;

pub async fn us2_1_alive_while_the_database_hangs(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let node = suite.node().await?;
    let database = release.pod("postgres").await?;
    let backends = release.pods("backend").await?;
    let mut longest = Duration::ZERO;

    node.signal(&database, "STOP").await?;
    let alive = async {
        // The backends have to notice first.
        wait_until_all_answer(release, &backends, 503, NOT_READY).await?;
        ensure_throughout(Duration::from_secs(5), async || {
            for pod in &backends {
                let asked = Instant::now();
                let (status, body) = release.request_pod(pod, 8000, "/health").await?;
                longest = longest.max(asked.elapsed());
                ensure!((status, body.as_str()) == (200, r#"{"status":"healthy"}"#), "{status}: {body}");
            }
            Ok(())
        })
        .await
    };
    let alive = alive.await;
    node.signal(&database, "CONT").await?;
    alive?;
    wait_until_all_answer(release, &backends, 200, "ready").await?;
    ensure_no_restart(release, &backends).await?;
    let measured = format!("{:.0} ms", longest.as_secs_f64() * 1000.0);
    suite.report.add("US2.1 liveness while the database hangs", "< 1 s", measured);
    ensure!(longest < Duration::from_secs(1), "liveness took {longest:?}");
    Ok(())
}

pub async fn us2_2_ready_only_while_the_database_answers(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let backends = release.pods("backend").await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let database = format!("{NAME}-postgres");
    let scale = async |replicas: &str| {
        let replicas = format!("--replicas={replicas}");
        program::stdout(release.kubectl(["scale", "statefulset", &database, &replicas])).await
    };
    wait_until_all_answer(release, &backends, 200, r#"{"status":"ready"}"#).await?;
    scale("0").await?;
    let start = Instant::now();
    wait_until_all_answer(release, &backends, 503, NOT_READY).await?;
    wait_until_endpoints(release, 0).await?;
    let unready = start.elapsed();
    scale("1").await?;
    let start = Instant::now();
    wait_until_endpoints(release, 2).await?;
    // The nodes' forwarding rules follow a moment later.
    wait_until("requests are served again", Duration::from_secs(10), async || user.list().await).await?;
    suite.report.add("US2.2 no traffic after the database went away", "≤ 30 s", seconds(unready));
    suite.report.add("US2.2 traffic again after it was started", "≤ 60 s", seconds(start.elapsed()));
    ensure!(unready < Duration::from_secs(30) && start.elapsed() < Duration::from_mins(1));
    ensure_no_restart(release, &backends).await
}

pub async fn us2_3_a_hung_backend_is_restarted_after_three_failures(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let node = suite.node().await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let hung = release.pods("backend").await?.swap_remove(0);
    let name = hung.name_any();
    let before = restarts(&hung);

    let start = Instant::now();
    node.signal(&hung, "STOP").await?;
    let killed = release.event(&name, "Killing", "failed liveness probe").await?;
    let failures: i32 = release
        .events(&name)
        .await?
        .iter()
        .filter_map(|event| {
            event.message.as_deref()?.starts_with("Liveness probe failed").then_some(event.count.unwrap_or(1))
        })
        .sum();
    ensure!(failures == 3, "{failures} liveness probes failed before: {killed}");
    wait_until("the hung backend is restarted", Duration::from_mins(1), async || {
        let pod = release.reload(&hung).await?;
        ensure_restarts(&pod, before + 1)?;
        Ok(())
    })
    .await?;
    suite.report.time("US2.3 a hung backend is restarted, 3 failures", Duration::from_mins(1), start.elapsed())?;
    release.wait_until_settled().await?;
    user.create("after the restart", "once").await.map(drop)
}

/// Waits until each pod answers `/ready` with this status and a body that contains this text.
pub async fn wait_until_all_answer(release: &Release, pods: &[Pod], status: u16, text: &str) -> Result<()> {
    wait_until(&format!("readiness {status}, {text}"), Duration::from_mins(1), async || {
        for pod in pods {
            let (found, body) = release.request_pod(pod, 8000, "/ready").await?;
            ensure!(found == status && body.contains(text), "{}: {found} {body}", pod.name_any());
        }
        Ok(())
    })
    .await
}

/// Waits until the backend's Service has this number of ready endpoints.
pub async fn wait_until_endpoints(release: &Release, count: usize) -> Result<()> {
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={NAME}-backend"));
    wait_until(&format!("{count} pods behind the backend's Service"), Duration::from_mins(2), async || {
        let slices = release.api::<EndpointSlice>().list(&of_service).await?;
        let endpoints = slices.iter().flat_map(|slice| slice.endpoints.iter());
        let ready = endpoints.filter(|endpoint| endpoint.conditions.as_ref().is_some_and(|is| is.ready == Some(true)));
        let found = ready.count();
        ensure!(found == count, "there are {found}");
        Ok(())
    })
    .await
}

/// Fails when one of these pods is gone or was restarted.
pub async fn ensure_no_restart(release: &Release, pods: &[Pod]) -> Result<()> {
    for pod in pods {
        let name = pod.name_any();
        let now = release.reload(pod).await.with_context(|| format!("{name} is gone"))?;
        ensure_restarts(&now, restarts(pod))?;
    }
    Ok(())
}

pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
