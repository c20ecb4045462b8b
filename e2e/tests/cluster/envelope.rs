//! Whatever some users send, the backend keeps its memory, and others are answered.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use todo::rollout::pod::restarts;
use todo_e2e::{
    load::{Load, OnFailure},
    model,
    release::ensure_restarts,
    suite::Suite,
    user::User,
};
use todo_llm::Script;
use tokio::task::JoinSet;

/// Less than the 256 MiB that the chart grants the backend.
const MAX_RESIDENT_BYTES: u64 = 200 * 1024 * 1024;
/// Within which 99 % of the requests of others have to be answered.
const MAX_OTHERS_P99: Duration = Duration::from_secs(1);
/// The largest body that an import may have.
const MAX_IMPORT_BYTES: usize = 5 * 1024 * 1024;

/// How long the mix lasts: a minute, or as many as `TODO_E2E_ENVELOPE_MINUTES` says.
fn duration() -> Result<Duration> {
    let minutes = std::env::var("TODO_E2E_ENVELOPE_MINUTES").unwrap_or_else(|_| "1".into());
    Ok(Duration::from_mins(minutes.parse().context("TODO_E2E_ENVELOPE_MINUTES is no number")?))
}

pub async fn no_mix_of_requests_exceeds_the_envelope(suite: &Suite) -> Result<()> {
    let (_model, values) = model::start(&suite.cluster, Script::demo()).await?;
    let mut values: Vec<_> = values.iter().map(String::as_str).collect();
    // Each sign-up has to hash a password, in place of being refused.
    values.push("config.signUpsPerHour=1000000");
    let release = suite.release("envelope").await?;
    release.ensure_values(&values).await?;
    let node = suite.node().await?;
    let proxy = release.proxy().await?;
    let before = release.pods("backend").await?;
    let load = Load::start(&proxy.url, OnFailure::Continue).await?;
    let mut abusers = JoinSet::new();
    let end = Instant::now() + duration()?;
    for abuse in ABUSES {
        let user = User::sign_up(&proxy.url).await?;
        abusers.spawn(repeat(abuse, user, end));
    }
    let mut sent = 0;
    while let Some(ended) = abusers.join_next().await {
        sent += ended??;
    }
    let outcome = load.finish().await;

    let mut peak = 0;
    for pod in &before {
        let now = release.reload(pod).await.context("a backend is gone")?;
        ensure_restarts(&now, restarts(pod))?;
        peak = peak.max(node.peak_memory(&now).await?);
    }
    let row = |name: &str, limit: String, measured: String| suite.report.add(name, limit, measured);
    row("envelope: requests of the mix, failed ones of others", "0".into(), format!("{sent}; {}", outcome.summary()));
    row("envelope: resident memory", mebibytes(MAX_RESIDENT_BYTES), mebibytes(peak));
    let p99 = outcome.percentile(99);
    suite.report.time("envelope: 99 % of the requests of others", MAX_OTHERS_P99, p99)?;
    ensure!(peak <= MAX_RESIDENT_BYTES, "the backend needed {}", mebibytes(peak));
    outcome.ensure_no_failure()?;
    outcome.ensure_nothing_lost(&proxy.url).await?;
    suite.remove(&release.namespace).await
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

/// One kind of request that costs much.
type Abuse = fn(&User) -> RequestBuilder;

const ABUSES: &[Abuse] = &[
    // Each entry is wrong.
    |user| import(user, format!("[{}0]", "0,".repeat((MAX_IMPORT_BYTES - 3) / 2))),
    |user| import(user, "[".repeat(MAX_IMPORT_BYTES)),
    |user| import(user, format!("[{{\"title\":\"{}\"}}]", "x".repeat(MAX_IMPORT_BYTES - 14))),
    |user| import(user, json!(vec![json!({ "title": "import", "description": "x".repeat(4_000) }); 1_000]).to_string()),
    |user| user.request(Method::POST, "/api/tasks").json(&json!({ "title": "x".repeat(60_000) })),
    |user| user.request(Method::GET, "/api/tasks/export"),
    |user| user.request(Method::GET, "/api/tasks?limit=200&q=x"),
    |user| sign(user, "sign-up"),
    |user| sign(user, "sign-in"),
    |user| sign(user, "sign-in"),
    |user| user.request(Method::POST, "/api/chat").json(&json!({ "message": "list all" })),
    |user| user.request(Method::GET, "/api/events"),
];

fn import(user: &User, body: String) -> RequestBuilder {
    user.request(Method::POST, "/api/tasks/import").header("content-type", "application/json").body(body)
}

/// Signs a new user up or in, for which the backend has to hash a password.
fn sign(user: &User, how: &str) -> RequestBuilder {
    let email = format!("{}@example.com", uuid::Uuid::new_v4());
    user.request(Method::POST, &format!("/api/auth/{how}"))
        .json(&json!({ "email": email, "password": "correct horse" }))
}

/// Sends the request again and again, and returns how often. The answer may be any but an internal error.
async fn repeat(abuse: &Abuse, user: User, end: Instant) -> Result<usize> {
    let mut sent = 0;
    while Instant::now() < end {
        sent += 1;
        // A stream has no end: its beginning is enough.
        let answer = match tokio::time::timeout(Duration::from_secs(2), abuse(&user).send()).await {
            Ok(answer) => answer?,
            Err(_) => continue,
        };
        let status = answer.status();
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            anyhow::bail!("the mix was answered {status}: {}", answer.text().await?);
        }
        tokio::time::timeout(Duration::from_secs(2), answer.bytes()).await.ok();
    }
    Ok(sent)
}
