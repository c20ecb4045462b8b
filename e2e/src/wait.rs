//! Waiting for conditions.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// How long one attempt may take; then the next begins.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(150);

/// Repeats the attempt until it succeeds. After `limit` the error names what was awaited and why the last attempt
/// failed.
pub async fn wait_until<T>(awaited: &str, limit: Duration, mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        let outcome = tokio::time::timeout(ATTEMPT_TIMEOUT, attempt()).await;
        match outcome.unwrap_or_else(|_| Err(anyhow!("no answer within {ATTEMPT_TIMEOUT:?}"))) {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > limit => {
                return Err(error).with_context(|| format!("waited {limit:?} in vain: {awaited}"));
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// Repeats the check for this long, and fails as soon as it does.
pub async fn ensure_throughout(time: Duration, mut check: impl AsyncFnMut() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < time {
        check().await?;
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
