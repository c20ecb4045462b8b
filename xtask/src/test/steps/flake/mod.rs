//! Checks of the flake that need none of its inputs. `nix flake check` does the others.

mod nixpkgs;

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use self::nixpkgs::Nixpkgs;
use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
    tools,
};

/// The only inputs that the flake may have.
const INPUTS: [&str; 3] = ["crane", "nix2container", "nixpkgs"];

pub async fn flake(run: &StepRun<'_>) -> Result<Outcome> {
    let mut git = Command::new("git");
    git.args(["ls-files", "*.nix"]).current_dir(run.workspace().root());
    let files = run.check_output(git).await?;
    ensure!(files.contains("flake.nix"), "git finds no flake.nix");

    let lock = read(run, "flake.lock")?;
    check_inputs(&lock)?;
    check_packages(&read(run, "frontend/package-lock.json")?)?;
    let listed = Nixpkgs::parse(&bytes(run, nixpkgs::FILE)?)?;
    listed.ensure_revision(lock["nodes"]["nixpkgs"]["locked"]["rev"].as_str().unwrap_or_default())?;

    let mut nixfmt = Command::new(tools::nixfmt(run).await?);
    nixfmt.arg("--check").args(files.lines()).current_dir(run.workspace().root());
    run.check_output(nixfmt).await.context("`nix fmt` formats it")?;

    match tools::nix(run).await? {
        Err(reason) => return Ok(Outcome::Skipped(reason)),
        Ok(nix) => {
            let scratch = tempfile::tempdir()?;
            let instantiate = nix.with_file_name("nix-instantiate");
            let mut parse = isolated_nix(&instantiate, scratch.path());
            parse.arg("--parse").args(files.lines()).current_dir(run.workspace().root());
            run.check_output(parse).await?;
            let files: Vec<&str> = files.lines().collect();
            let demanded = nixpkgs::demanded(run, isolated_nix(&instantiate, scratch.path()), &files).await?;
            listed.ensure_lists(&demanded)?;
            // This fails if flake.lock does not match flake.nix.
            let mut metadata = isolated_nix(&nix, scratch.path());
            metadata.args(["flake", "metadata", "--no-update-lock-file", "--json"]);
            metadata.current_dir(run.workspace().root());
            run.check_output(metadata).await?;
        }
    }
    Ok(Outcome::Ran(Counts::passed(5 + files.lines().count() as u64)))
}

fn bytes(run: &StepRun<'_>, path: &str) -> Result<Vec<u8>> {
    std::fs::read(run.workspace().path(path)).with_context(|| format!("cannot read {path}"))
}

fn read(run: &StepRun<'_>, path: &str) -> Result<Value> {
    serde_json::from_slice(&bytes(run, path)?).with_context(|| format!("{path} is no JSON"))
}

/// Checks that the lock file pins each input by revision and hash.
fn check_inputs(lock: &Value) -> Result<()> {
    let nodes = lock["nodes"].as_object().context("flake.lock has no nodes")?;
    let names: Vec<&str> = nodes.keys().map(String::as_str).filter(|name| *name != "root").collect();
    ensure!(names == INPUTS, "flake.lock pins {names:?} and not {INPUTS:?}");
    for name in INPUTS {
        let locked = &nodes[name]["locked"];
        let text = |key: &str| locked[key].as_str().unwrap_or_default();
        ensure!(text("rev").len() == 40 && text("narHash").starts_with("sha256-"), "flake.lock does not pin {name}");
    }
    Ok(())
}

/// Checks that the lock file has the URL and hash of each package of the frontend, by which the flake fetches it.
fn check_packages(lock: &Value) -> Result<()> {
    let packages = lock["packages"].as_object().context("frontend/package-lock.json has no packages")?;
    for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        ensure!(
            text("resolved").starts_with("https://"),
            "frontend/package-lock.json has no address of {path}: restore the file by git, and repeat the npm \
             command in frontend/, whose .npmrc keeps the addresses"
        );
        ensure!(
            text("integrity").starts_with("sha512-"),
            "frontend/package-lock.json has no hash of {path}: add as its `integrity` what `npm view NAME@{} \
             dist.integrity` says",
            text("version")
        );
    }
    let registries: BTreeSet<&str> =
        packages.values().filter_map(|package| package["resolved"].as_str()?.split('/').nth(2)).collect();
    ensure!(
        registries.len() == 1,
        "frontend/package-lock.json names {registries:?}: write the public registry's host everywhere, in whose place \
         npm asks the one that it is configured for"
    );
    Ok(())
}

/// A command of Nix with its store in a temporary directory, which needs no daemon.
fn isolated_nix(program: &Path, scratch: &Path) -> Command {
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
    fn an_unknown_input_or_one_without_a_hash_is_refused() {
        let pinned = || json!({ "locked": { "rev": "0".repeat(40), "narHash": "sha256-x" } });
        let lock =
            json!({ "nodes": { "crane": pinned(), "nix2container": pinned(), "nixpkgs": pinned(), "root": {} } });
        check_inputs(&lock).unwrap();
        let mut unknown = lock.clone();
        unknown["nodes"]["utils"] = pinned();
        assert!(check_inputs(&unknown).unwrap_err().to_string().contains("utils"));
        let mut unpinned = lock;
        unpinned["nodes"]["crane"]["locked"]["narHash"] = json!(null);
        assert!(check_inputs(&unpinned).unwrap_err().to_string().contains("crane"));
    }

    #[test]
    fn a_package_without_an_address_or_a_hash_is_refused() {
        let address = "https://registry.example/a/-/a-1.0.0.tgz";
        let lock = |package: Value| json!({ "packages": { "": {}, "node_modules/a": package } });
        check_packages(&lock(json!({ "resolved": address, "integrity": "sha512-x" }))).unwrap();
        let no_address = check_packages(&lock(json!({ "integrity": "sha512-x" }))).unwrap_err().to_string();
        assert!(no_address.contains("no address of node_modules/a"), "{no_address}");
        let no_hash =
            check_packages(&lock(json!({ "resolved": address, "version": "1.0.0" }))).unwrap_err().to_string();
        assert!(no_hash.contains("no hash of node_modules/a"), "{no_hash}");
    }

    #[test]
    fn packages_come_from_one_registry() {
        let package = |host| json!({ "resolved": format!("https://{host}/a/-/a-1.0.0.tgz"), "integrity": "sha512-x" });
        let lock = json!({ "packages": { "": {}, "a": package("registry.example"), "b": package("mirror.example") } });
        let error = check_packages(&lock).unwrap_err().to_string();
        assert!(error.contains(r#"{"mirror.example", "registry.example"}"#), "{error}");
    }
}
