//! US5 and SC-004: the release changes while people use it.

use std::time::{Duration, Instant};

use anyhow::Result;
use todo_e2e::{
    load::{Load, OnFailure},
    suite::{BASELINE, Suite},
    user::User,
};

const MINUTE: Duration = Duration::from_mins(1);

pub async fn us5_2_scale_to_two_and_back_under_load(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(&["backend.replicas=1", "frontend.replicas=1"]).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let load = Load::start(&proxy.url, OnFailure::Continue).await?;
    let start = Instant::now();
    release.apply(BASELINE).await?;
    release.wait_until_rolled_out(MINUTE).await?;
    suite.report.time("US5.2 two ready replicas", MINUTE, start.elapsed())?;
    // The session goes on, whichever pod is asked.
    for number in 0..10 {
        user.create(&format!("on either pod {number}"), &number.to_string()).await?;
    }
    release.ensure_values(&["backend.replicas=1", "frontend.replicas=1"]).await?;
    let outcome = load.finish().await;
    suite.report.add("US5.2 failed requests, scale 1 → 2 → 1", 0, outcome.summary());
    outcome.ensure_no_failure()?;
    outcome.ensure_nothing_lost(&proxy.url).await?;
    user.list().await.map(drop)
}

pub async fn sc_004_upgrade_and_rollback_under_load(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let revision = release.revision().await?;
    let proxy = release.proxy().await?;
    let load = Load::start(&proxy.url, OnFailure::Continue).await?;

    let start = Instant::now();
    let next = ["backend.podAnnotations.release=next", "frontend.podAnnotations.release=next"];
    release.apply(&[BASELINE, &next].concat()).await?;
    release.wait_until_rolled_out(MINUTE * 2).await?;
    let upgrade = start.elapsed();
    release.wait_until_settled().await?;

    let start = Instant::now();
    release.rollback(revision).await?;
    release.wait_until_rolled_out(MINUTE * 2).await?;
    let rollback = start.elapsed();
    release.wait_until_settled().await?;

    let outcome = load.finish().await;
    suite.report.add("SC-004 failed requests, upgrade and rollback", 0, outcome.summary());
    suite.report.time("SC-004 upgrade", MINUTE, upgrade)?;
    suite.report.time("SC-004 rollback", MINUTE, rollback)?;
    outcome.ensure_no_failure()?;
    outcome.ensure_nothing_lost(&proxy.url).await.map(drop)
}
