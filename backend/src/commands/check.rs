//! An HTTP probe for containers without a shell.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::http::client;

/// Succeeds when `url` answers with a 2xx status within 5 seconds, and prints the body.
pub async fn run(url: &str) -> anyhow::Result<()> {
    let target = reqwest::Url::parse(url).with_context(|| format!("{url} is no URL"))?;
    let client = client::builder_for(&target).timeout(Duration::from_secs(5)).build()?;
    let response = client.get(target).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = response.status();
    let body = response.text().await.with_context(|| format!("{url} broke off its answer"))?;
    println!("{body}");
    if !status.is_success() {
        bail!("{url} answered {status}");
    }
    Ok(())
}
