//! E1, E2, E4 and US5.3: an upgrade that cannot work. The old pods go on serving, the cluster says
//! what is wrong, and a rollback repairs it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use todo_e2e::{
    load::{Load, OnFailure},
    program,
    proxy::ServiceProxy,
    release::{NAME, Release},
    suite::{BASELINE, Suite},
    user::User,
    wait::wait_until,
};

const MINUTE: Duration = Duration::from_mins(1);

pub async fn e1_too_large_a_memory_request_stays_pending(suite: &Suite) -> Result<()> {
    let too_large = ["backend.resources.requests.memory=900Gi", "backend.resources.limits.memory=900Gi"];
    let fault = Fault::begin(suite, "E1").await?;
    fault.release.apply(&[BASELINE, &too_large].concat()).await?;
    let pod = fault.release.new_pod("backend", &fault.backends).await?;
    let reason = fault.release.event(&pod, "FailedScheduling", "Insufficient memory").await?;
    fault.end(suite, &reason).await
}

/// This shows US5.3 too.
pub async fn e2_an_image_that_cannot_be_pulled(suite: &Suite) -> Result<()> {
    let fault = Fault::begin(suite, "E2 US5.3").await?;
    fault.release.apply(&[BASELINE, &["backend.image.repository=missing.invalid/todo-backend"]].concat()).await?;
    let pod = fault.release.new_pod("backend", &fault.backends).await?;
    let reason = fault.release.event(&pod, "Failed", "missing.invalid/todo-backend").await?;
    wait_until("ImagePullBackOff", MINUTE * 2, async || {
        let backs_off = program::stdout(fault.release.kubectl(["get", "pod", &pod, "--no-headers"])).await?;
        ensure!(backs_off.contains("ImagePullBackOff"), "{backs_off}");
        Ok(())
    })
    .await?;
    fault.end(suite, &reason).await
}

pub async fn e4_a_wrong_value_in_the_configmap(suite: &Suite) -> Result<()> {
    corrupt(suite, "configmap", "config", "LOG_LEVEL", "canary-level", "must be").await
}

pub async fn e4_a_short_secret_key(suite: &Suite) -> Result<()> {
    corrupt(suite, "secret", "secrets", "SECRET_KEY", "canary-key", "must have at least 32 characters").await
}

pub async fn e4_a_broken_database_url(suite: &Suite) -> Result<()> {
    corrupt(suite, "secret", "secrets", "DATABASE_URL", "canary-url", "must be a postgres:// URL").await
}

/// The database's pod does not start either, since it needs the same Secret.
pub async fn e4_a_secret_that_does_not_exist(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    user.create("made before the fault", "once").await?;
    let (revision, backends) = (release.revision().await?, release.names("backend").await?);
    release.apply(&[BASELINE, &["secrets.existingSecret=missing"]].concat()).await?;
    let pod = release.new_pod("backend", &backends).await?;
    for pod in [pod, format!("{NAME}-postgres-0")] {
        release.event(&pod, "Failed", r#"secret "missing" not found"#).await?;
    }
    let start = Instant::now();
    release.rollback(revision).await?;
    let tasks = wait_until("the task is there again", MINUTE * 2, async || user.tasks().await).await?;
    suite.report.time("E4 rollback from a Secret that does not exist", MINUTE, start.elapsed())?;
    ensure!(tasks.len() == 1, "there are {} tasks", tasks.len());
    release.wait_until_settled().await
}

/// Puts a wrong value into the `ConfigMap` or the Secret, and restarts the backend with it.
async fn corrupt(suite: &Suite, kind: &str, object: &str, key: &str, value: &str, rule: &str) -> Result<()> {
    let fault = Fault::begin(suite, &format!("E4 {key}")).await?;
    let release = fault.release;
    release.invalidate();
    let field = if kind == "secret" { "stringData" } else { "data" };
    let patch = format!(r#"{{"{field}":{{"{key}":"{value}"}}}}"#);
    program::stdout(release.kubectl(["patch", kind, &format!("{NAME}-{object}"), "--patch", &patch])).await?;
    program::stdout(release.kubectl(["rollout", "restart", &format!("deployment/{NAME}-backend")])).await?;
    let pod = release.new_pod("backend", &fault.backends).await?;
    let log = wait_until(&format!("{pod} names {key}"), MINUTE, async || {
        let log = release.log(&pod).await.unwrap_or_else(|error| format!("{error:#}"));
        let line = log.lines().find(|line| line.contains(&format!("{key} {rule}")));
        line.map(str::to_owned).with_context(|| log.clone())
    })
    .await?;
    ensure!(!log.contains(value), "{pod} shows the value of {key}");
    fault.end(suite, &log).await
}

/// The shared release while something is wrong with a new version of it.
struct Fault<'a> {
    row: String,
    release: &'a Release,
    revision: u64,
    proxy: ServiceProxy,
    user: User,
    load: Load,
    backends: Vec<String>,
}

impl<'a> Fault<'a> {
    async fn begin(suite: &'a Suite, row: &str) -> Result<Self> {
        let release = suite.shared_release(BASELINE).await?;
        let proxy = release.proxy().await?;
        let user = User::sign_up(&proxy.url).await?;
        user.create("made before the fault", "once").await?;
        let load = Load::start(&proxy.url, OnFailure::Continue).await?;
        let (revision, backends) = (release.revision().await?, release.names("backend").await?);
        Ok(Self { row: row.into(), release, revision, proxy, user, load, backends })
    }

    /// Fails unless the old pods still serve, a rollback repairs the release, and nothing failed or was lost in
    /// between.
    async fn end(self, suite: &Suite, reason: &str) -> Result<()> {
        let now = self.release.names("backend").await?;
        ensure!(self.backends.iter().all(|name| now.contains(name)), "an old pod is gone: {now:?}");
        self.user.create("made during the fault", "twice").await?;
        let start = Instant::now();
        self.release.rollback(self.revision).await?;
        self.release.wait_until_rolled_out(MINUTE * 2).await?;
        suite.report.time(&format!("{} rollback", self.row), MINUTE, start.elapsed())?;
        self.release.wait_until_settled().await?;
        let outcome = self.load.finish().await;
        suite.report.add(&format!("{} failed requests", self.row), 0, outcome.summary());
        suite.report.add(&self.row, "says why", reason.chars().take(100).collect::<String>());
        outcome.ensure_no_failure()?;
        outcome.ensure_nothing_lost(&self.proxy.url).await?;
        let tasks = self.user.tasks().await?;
        ensure!(tasks.len() == 2, "there are {} tasks", tasks.len());
        Ok(())
    }
}
