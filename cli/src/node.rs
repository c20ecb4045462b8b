//! Node.js and the frontend's packages.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use crate::{output, process::Program, workspace::Workspace};

/// A copy of the lock file at the last installation. `rm -r node_modules` removes it too.
const STAMP: &str = "node_modules/.todo-package-lock.json";

/// Fails unless a Node.js is installed that the frontend's `package.json` accepts.
pub async fn check(workspace: &Workspace) -> Result<()> {
    let package: serde_json::Value = serde_json::from_slice(&std::fs::read(workspace.path("frontend/package.json"))?)?;
    let needed = package["engines"]["node"].as_str().unwrap_or(">=20.9").trim_start_matches(">=").to_owned();
    let hint = format!("install Node.js {needed} or newer from https://nodejs.org, or with `nvm install`");
    let Ok(output) = Command::new("node").arg("--version").output().await else {
        bail!("Node.js is missing: {hint}");
    };
    let found = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    ensure!(version(&found) >= version(&needed), "Node.js {found} is too old: {hint}");
    Ok(())
}

/// Runs `npm ci` when the lock file changed since it last did.
pub async fn install(workspace: &Workspace) -> Result<()> {
    check(workspace).await?;
    let lock = std::fs::read(workspace.path("frontend/package-lock.json"))?;
    let stamp = workspace.path("frontend").join(STAMP);
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    output::note("installing the frontend's packages (npm ci)");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(workspace.path("frontend"));
    let mut npm = Program::start(npm, |_| {}).context("npm comes with Node.js")?;
    let status = npm.wait().await?;
    ensure!(status.success(), "npm ci failed ({status}):\n{}", npm.last_lines(40));
    std::fs::write(&stamp, &lock)?;
    Ok(())
}

/// A program of one of the frontend's packages.
#[must_use]
pub fn tool(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.path("frontend/node_modules/.bin").join(name)
}

fn version(text: &str) -> Vec<u32> {
    text.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("20.20.2") > version("20.9"));
        assert!(version("20.9.0") >= version("20.9"));
        assert!(version("18.19.1") < version("20.9"));
        assert!(version("") < version("20.9"));
    }
}
