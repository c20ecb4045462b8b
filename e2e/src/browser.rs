//! Tests of `frontend/e2e`, played by Playwright in Chromium.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{program, release::root, suite::Skip};

/// Uses the application at `url`; a host name may be mapped to an address, as a line in `/etc/hosts` would.
pub async fn journey(url: &str, host: Option<(&str, &str)>) -> Result<()> {
    let resolver = host.map(|(name, address)| ("HOST_RESOLVER_RULES", format!("MAP {name} {address}")));
    play("journey", url, resolver.into_iter()).await
}

/// Talks to the assistant of the application at `url`, whose model is at `model`.
pub async fn chat_journey(url: &str, model: &str) -> Result<()> {
    play("chat-journey", url, [("LLM_URL", model.to_owned())].into_iter()).await
}

async fn play(spec: &str, url: &str, environment: impl Iterator<Item = (&str, String)>) -> Result<()> {
    let frontend = root().join("frontend");
    let playwright = frontend.join("node_modules/.bin/playwright");
    let chromium = std::env::var("CHROMIUM_PATH").unwrap_or_else(|_| "/usr/bin/chromium".into());
    if !playwright.exists() || !Path::new(&chromium).exists() {
        return Err(Skip("there is no Playwright (npm ci in frontend/) or no Chromium (CHROMIUM_PATH)".into()).into());
    }
    let playwright = playwright.to_str().context("the path is text")?;
    let spec = format!("e2e/{spec}.spec.ts");
    let mut test = program::command(playwright, ["test", &spec, "--reporter=line", "--workers=1"]);
    test.current_dir(frontend).env("BASE_URL", url.trim_end_matches('/')).env("CHROMIUM_PATH", chromium);
    test.envs(environment);
    let output = program::stdout(test).await?;
    ensure!(output.contains("1 passed"), "{spec} was not played:\n{output}");
    Ok(())
}
