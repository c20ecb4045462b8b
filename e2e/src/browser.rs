//! The journey that Playwright makes in Chromium: `frontend/e2e/journey.spec.ts`.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{program, release::root, suite::Skip};

/// Uses the application at `url`; a host name may be mapped to an address, as a line in `/etc/hosts` would.
pub async fn journey(url: &str, host: Option<(&str, &str)>) -> Result<()> {
    let frontend = root().join("frontend");
    let playwright = frontend.join("node_modules/.bin/playwright");
    let chromium = std::env::var("CHROMIUM_PATH").unwrap_or_else(|_| "/usr/bin/chromium".into());
    if !playwright.exists() || !Path::new(&chromium).exists() {
        return Err(Skip("there is no Playwright (npm ci in frontend/) or no Chromium (CHROMIUM_PATH)".into()).into());
    }
    let playwright = playwright.to_str().context("the path is text")?;
    let mut test = program::command(playwright, ["test", "e2e/journey.spec.ts", "--reporter=line", "--workers=1"]);
    test.current_dir(frontend).env("BASE_URL", url.trim_end_matches('/')).env("CHROMIUM_PATH", chromium);
    if let Some((name, address)) = host {
        test.env("HOST_RESOLVER_RULES", format!("MAP {name} {address}"));
    }
    let output = program::succeed(test).await?;
    ensure!(output.contains("1 passed"), "the journey was not made:\n{output}");
    Ok(())
}
