//! What of the flake can be checked without fetching its inputs. `nix flake check` does the rest.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::{
    digest,
    test::{
        context::{Outcome, StepRun},
        counts::Counts,
        tools,
    },
};

/// Nothing else may be fetched.
const INPUTS: [&str; 3] = ["crane", "nix2container", "nixpkgs"];

pub async fn flake(run: &StepRun<'_>) -> Result<Outcome> {
    let mut git = Command::new("git");
    git.args(["ls-files", "*.nix"]).current_dir(run.workspace().root());
    let files = run.succeed(git).await?;
    ensure!(files.contains("flake.nix"), "git finds no flake.nix");

    pins(&read(run, "flake.lock")?)?;
    packages(run)?;

    let mut nixfmt = Command::new(tools::nixfmt(run).await?);
    nixfmt.arg("--check").args(files.lines()).current_dir(run.workspace().root());
    run.succeed(nixfmt).await.context("`nix fmt` formats it")?;

    match tools::nix(run).await? {
        Err(reason) => return Ok(Outcome::Skipped(reason)),
        Ok(nix) => {
            let scratch = tempfile::tempdir()?;
            let mut parse = in_scratch(&nix.with_file_name("nix-instantiate"), scratch.path());
            parse.arg("--parse").args(files.lines()).current_dir(run.workspace().root());
            run.succeed(parse).await?;
            // Fails where flake.lock is not what flake.nix asks for.
            let mut metadata = in_scratch(&nix, scratch.path());
            metadata.args(["flake", "metadata", "--no-update-lock-file", "--json"]);
            metadata.current_dir(run.workspace().root());
            run.succeed(metadata).await?;
        }
    }
    Ok(Outcome::Ran(Counts::passed(3 + files.lines().count() as u64)))
}

fn read(run: &StepRun<'_>, path: &str) -> Result<Value> {
    let text = std::fs::read(run.workspace().path(path)).with_context(|| format!("cannot read {path}"))?;
    serde_json::from_slice(&text).with_context(|| format!("{path} is no JSON"))
}

/// Each input is one revision whose content is known.
fn pins(lock: &Value) -> Result<()> {
    let nodes = lock["nodes"].as_object().context("flake.lock has no nodes")?;
    let names: Vec<&str> = nodes.keys().map(String::as_str).filter(|name| *name != "root").collect();
    ensure!(names == INPUTS, "flake.lock pins {names:?} and not {INPUTS:?}");
    for name in INPUTS {
        let locked = &nodes[name]["locked"];
        let of = |key: &str| locked[key].as_str().unwrap_or_default();
        ensure!(of("rev").len() == 40 && of("narHash").starts_with("sha256-"), "flake.lock does not pin {name}");
    }
    Ok(())
}

/// The hashes of `node_modules` belong to the lock file.
fn packages(run: &StepRun<'_>) -> Result<()> {
    let lock = std::fs::read(run.workspace().path("frontend/package-lock.json"))?;
    let recorded = &read(run, "nix/node-modules.json")?["package-lock"];
    ensure!(
        *recorded == digest::sha256(&lock),
        "frontend/package-lock.json has changed: `nix run .#update` writes nix/node-modules.json anew"
    );
    Ok(())
}

/// Needs no daemon, and leaves nothing behind.
fn in_scratch(program: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("HOME", scratch).env("NIX_CONFIG", "experimental-features = nix-command flakes\nbuild-users-group =");
    for (variable, directory) in
        [("NIX_STORE_DIR", "store"), ("NIX_STATE_DIR", "state"), ("NIX_LOG_DIR", "log"), ("NIX_CONF_DIR", "conf")]
    {
        command.env(variable, scratch.join(directory));
    }
    command
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_input_more_or_without_a_hash_is_refused() {
        let pinned = || json!({ "locked": { "rev": "0".repeat(40), "narHash": "sha256-x" } });
        let lock =
            json!({ "nodes": { "crane": pinned(), "nix2container": pinned(), "nixpkgs": pinned(), "root": {} } });
        pins(&lock).unwrap();
        let mut more = lock.clone();
        more["nodes"]["utils"] = pinned();
        assert!(pins(&more).unwrap_err().to_string().contains("utils"));
        let mut loose = lock;
        loose["nodes"]["crane"]["locked"]["narHash"] = json!(null);
        assert!(pins(&loose).unwrap_err().to_string().contains("crane"));
    }
}
