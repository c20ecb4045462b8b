//! Waiting for conditions.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// A question without an answer is asked again.
const ANSWER: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(150);

/// Asks until the answer is not an error. At the limit, the error names what was awaited and the last answer.
pub async fn until<T>(awaited: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        let answer = tokio::time::timeout(ANSWER, ask()).await;
        match answer.unwrap_or_else(|_| Err(anyhow!("no answer within {ANSWER:?}"))) {
            Ok(answer) => return Ok(answer),
            Err(error) if start.elapsed() > limit => {
                return Err(error).with_context(|| format!("waited {limit:?} in vain: {awaited}"));
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// Fails as soon as `holds` does, and succeeds after `time`.
pub async fn throughout(time: Duration, mut holds: impl AsyncFnMut() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < time {
        holds().await?;
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
