//! `nix/nixpkgs.json`: what the flake relies on of nixpkgs, so that a new revision is a list of things to look at.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::test::context::StepRun;

pub const FILE: &str = "nix/nixpkgs.json";

/// Asks each file for the names of its function's arguments. Those that the scope in `nix/default.nix` has itself are
/// found by giving it packages that hold nothing.
const ARGUMENTS: &str = r#"
{ directory, files }:
let
  pkgs = {
    newScope = null;
    lib.makeScope = _: members: members { } // { callPackage = null; };
    stdenv.hostPlatform = { isLinux = true; system = "any"; };
  };
  inputs = { inherit pkgs; linux = null; crane = null; nix2container = null; };
  arguments = file:
    let content = import (directory + "/${file}");
    in if builtins.isFunction content then builtins.attrNames (builtins.functionArgs content) else [ ];
  named = file: { name = file; value = arguments file; };
in
{
  scope = builtins.attrNames (import (directory + "/nix") inputs).scope;
  arguments = builtins.listToAttrs (map named (builtins.fromJSON files));
}
"#;

/// Gives the set of packages to the others, so its own arguments are the flake's inputs.
const SCOPE: &str = "nix/default.nix";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nixpkgs {
    revision: String,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attribute {
    /// The program, output, layout or option that we rely on.
    relied_on: String,
    /// Where in nixpkgs that was read, each `path@commit`.
    read_in: Vec<String>,
}

/// Attributes of nixpkgs with the files that demand them.
type Demanded = BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize)]
struct Evaluated {
    scope: BTreeSet<String>,
    arguments: BTreeMap<String, Vec<String>>,
}

impl Nixpkgs {
    pub fn parse(text: &[u8]) -> Result<Self> {
        let parsed: Self = serde_json::from_slice(text).with_context(|| format!("{FILE} is not as it should be"))?;
        for (name, attribute) in &parsed.attributes {
            ensure!(!attribute.relied_on.trim().is_empty(), "{FILE}: `relied_on` of {name} is empty; say what it is");
            let places_known = attribute.read_in.iter().all(|place| is_place(place));
            ensure!(
                places_known && !attribute.read_in.is_empty(),
                "{FILE}: `read_in` of {name} has to be files of nixpkgs, each as `path@commit`"
            );
        }
        Ok(parsed)
    }

    /// What was read has to be of the revision that is used.
    pub fn of_revision(&self, locked: &str) -> Result<()> {
        ensure!(
            self.revision == locked,
            "flake.lock pins nixpkgs at {locked}, {FILE} is of {}: look up each attribute that it lists in the new \
             revision, mend what has changed there, then set its `revision`",
            self.revision
        );
        Ok(())
    }

    /// All differences at once, each with what to do, in one line: the summary shows no more of an error.
    pub fn lists(&self, demanded: &Demanded) -> Result<()> {
        let missing = demanded.iter().filter(|(name, _)| !self.attributes.contains_key(*name));
        let missing = missing.map(|(name, files)| {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            format!("{name} is demanded by {} and not listed: read it, and add what we rely on", files.join(", "))
        });
        let extra = self.attributes.keys().filter(|name| !demanded.contains_key(*name));
        let extra = extra.map(|name| format!("{name} is listed and demanded by no file under nix/: remove it"));
        let differences: Vec<String> = missing.chain(extra).collect();
        ensure!(differences.is_empty(), "{FILE} is not what the flake demands of nixpkgs: {}", differences.join("; "));
        Ok(())
    }
}

fn is_place(place: &str) -> bool {
    let is_commit = |commit: &str| commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    place.split_once('@').is_some_and(|(path, commit)| !path.is_empty() && is_commit(commit))
}

/// What the files ask for by their functions' arguments, and as `pkgs.NAME`. `evaluate` is `nix-instantiate`.
pub async fn demanded(run: &StepRun<'_>, mut evaluate: Command, files: &[&str]) -> Result<Demanded> {
    let root = run.workspace().root();
    let asked: Vec<&str> = files.iter().copied().filter(|file| file.starts_with("nix/") && *file != SCOPE).collect();
    evaluate.args(["--eval", "--strict", "--json", "--expr", ARGUMENTS]).arg("--argstr").arg("directory").arg(root);
    evaluate.args(["--argstr", "files", &serde_json::to_string(&asked)?]).current_dir(root);
    let output = run.succeed(evaluate).await?;
    let evaluated = output.lines().find(|line| line.starts_with('{')).context("nix-instantiate printed no JSON")?;
    let mut demanded = of_arguments(&serde_json::from_str(evaluated)?);
    for file in asked.iter().chain([&SCOPE]) {
        for name in of_packages(&read(root, file)?) {
            demanded.entry(name).or_default().insert((*file).to_owned());
        }
    }
    Ok(demanded)
}

fn read(root: &Path, file: &str) -> Result<String> {
    std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
}

fn of_arguments(evaluated: &Evaluated) -> Demanded {
    let mut demanded = Demanded::new();
    for (file, arguments) in &evaluated.arguments {
        for name in arguments.iter().filter(|name| !evaluated.scope.contains(*name)) {
            demanded.entry(name.clone()).or_default().insert(file.clone());
        }
    }
    demanded
}

/// The names in `pkgs.NAME`.
fn of_packages(text: &str) -> BTreeSet<String> {
    let in_name = |letter: char| letter.is_ascii_alphanumeric() || "_-'".contains(letter);
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let pieces = code.flat_map(|line| {
        let ends = line.match_indices("pkgs.").filter(move |(at, _)| !line[..*at].ends_with(in_name));
        ends.map(|(at, found)| &line[at + found.len()..])
    });
    let names = pieces.map(|piece| piece.split(|letter| !in_name(letter)).next().unwrap_or_default().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(value: &Value) -> Result<Nixpkgs> {
        Nixpkgs::parse(value.to_string().as_bytes())
    }

    fn listing(names: &[&str]) -> Nixpkgs {
        let place = format!("pkgs/x.nix@{}", "0".repeat(40));
        let attribute = json!({ "relied_on": "bin/x", "read_in": [place] });
        let attributes = names.iter().map(|name| ((*name).to_owned(), attribute.clone()));
        let attributes = Value::Object(attributes.collect());
        parsed(&json!({ "revision": "a", "attributes": attributes })).unwrap()
    }

    /// jq by two files and git by one; `backend` is our own.
    fn evaluated() -> Demanded {
        let evaluated = json!({
            "scope": ["backend", "callPackage"],
            "arguments": { "nix/a.nix": ["backend", "jq"], "nix/b.nix": ["callPackage", "git", "jq"] },
        });
        of_arguments(&serde_json::from_value(evaluated).unwrap())
    }

    #[test]
    fn what_is_listed_is_what_is_demanded() {
        listing(&["git", "jq"]).lists(&evaluated()).unwrap();
    }

    #[test]
    fn what_is_demanded_and_not_listed_is_named_with_its_files() {
        let error = listing(&["git"]).lists(&evaluated()).unwrap_err().to_string();
        assert!(error.contains("jq is demanded by nix/a.nix, nix/b.nix and not listed"), "{error}");
        assert!(!error.contains("git is"), "{error}");
    }

    #[test]
    fn what_is_listed_and_not_demanded_has_to_go() {
        let error = listing(&["git", "grafana", "jq"]).lists(&evaluated()).unwrap_err().to_string();
        assert!(error.contains("grafana is listed and demanded by no file under nix/: remove it"), "{error}");
    }

    #[test]
    fn another_revision_has_to_be_looked_through() {
        let listed = listing(&[]);
        listed.of_revision("a").unwrap();
        let error = listed.of_revision("b").unwrap_err().to_string();
        assert!(error.contains("pins nixpkgs at b") && error.contains("look up each attribute"), "{error}");
    }

    #[test]
    fn each_attribute_says_what_we_rely_on_and_where_it_was_read() {
        let commit = "0".repeat(40);
        for (relied_on, read_in) in [
            ("", json!([format!("a.nix@{commit}")])),
            ("bin/x", json!([])),
            ("bin/x", json!(["a.nix@main"])),
            ("bin/x", json!([commit])),
        ] {
            let attributes = json!({ "x": { "relied_on": relied_on, "read_in": read_in } });
            let error = parsed(&json!({ "revision": "a", "attributes": attributes })).unwrap_err();
            assert!(error.to_string().contains(" of x "), "{error}");
        }
    }

    #[test]
    fn packages_are_found_by_name_too() {
        let text = "  formatter = pkgs.nixfmt-tree;\n  # pkgs.gone\n  a = nixpkgs.lib; b = (pkgs.nodejs_24.npm);\n";
        assert_eq!(of_packages(text), BTreeSet::from(["nixfmt-tree".to_owned(), "nodejs_24".to_owned()]));
    }
}
