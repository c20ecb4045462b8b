//! US1: the application is installed and used.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use todo_e2e::{program, suite::Suite, user::User};

pub async fn us1_1_install_with_no_values(suite: &Suite) -> Result<()> {
    let release = suite.release("bare").await?;
    let start = Instant::now();
    program::succeed(release.helm(["install", "todo"])).await?;
    release.until_rolled_out(Duration::from_mins(2)).await?;
    suite.report.time("SC-002 pods ready", Duration::from_mins(2), start.elapsed())?;
    ensure!(release.pods("backend").await?.len() == 1);
    let door = release.door().await?;
    User::sign_up(&door.url).await?;
    Ok(())
}
