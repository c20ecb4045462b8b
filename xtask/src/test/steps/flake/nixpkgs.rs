//! Checks `nix/nixpkgs.json`, which lists the attributes of nixpkgs that the flake relies on. An update of nixpkgs has
//! to review them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::test::context::StepRun;

pub const FILE: &str = "nix/nixpkgs.json";

/// A Nix expression for the argument names of the function in each file, and for the names that the scope in
/// `nix/default.nix` defines. It evaluates the scope with an empty set of packages.
const ARGUMENTS_EXPRESSION: &str = r#"
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

/// The file that passes the packages to the others. Its own arguments are the inputs of the flake.
const SCOPE_FILE: &str = "nix/default.nix";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nixpkgs {
    revision: String,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attribute {
    /// The program, output, layout or option that the flake relies on.
    relied_on: String,
    /// The files of nixpkgs in which that was read, each as `path@commit`.
    read_in: Vec<String>,
}

/// Attributes of nixpkgs, each with the files that need it.
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

    /// Fails unless the list was made for the revision in the lock file.
    pub fn ensure_revision(&self, locked: &str) -> Result<()> {
        ensure!(
            self.revision == locked,
            "flake.lock pins nixpkgs at {locked}, {FILE} is of {}: look up each attribute that it lists in the new \
             revision, correct what has changed, then set its `revision`",
            self.revision
        );
        Ok(())
    }

    /// Fails unless the list has exactly the attributes that the files need. The error is one line, since the summary
    /// shows only the first, and says for each difference what to do.
    pub fn ensure_lists(&self, demanded: &Demanded) -> Result<()> {
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

/// The attributes that the files need, as arguments of their functions or as `pkgs.NAME`. `evaluate` is the command
/// `nix-instantiate`.
pub async fn demanded(run: &StepRun<'_>, mut evaluate: Command, files: &[&str]) -> Result<Demanded> {
    let root = run.workspace().root();
    let paths: Vec<&str> =
        files.iter().copied().filter(|file| file.starts_with("nix/") && *file != SCOPE_FILE).collect();
    evaluate
        .args(["--eval", "--strict", "--json", "--expr", ARGUMENTS_EXPRESSION])
        .arg("--argstr")
        .arg("directory")
        .arg(root);
    evaluate.args(["--argstr", "files", &serde_json::to_string(&paths)?]).current_dir(root);
    let output = run.check_output(evaluate).await?;
    let evaluated = output.lines().find(|line| line.starts_with('{')).context("nix-instantiate printed no JSON")?;
    let mut demanded = demanded_by_arguments(&serde_json::from_str(evaluated)?);
    for file in paths.iter().chain([&SCOPE_FILE]) {
        for name in names_in_packages(&read(root, file)?) {
            demanded.entry(name).or_default().insert((*file).to_owned());
        }
    }
    Ok(demanded)
}

fn read(root: &Path, file: &str) -> Result<String> {
    std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
}

fn demanded_by_arguments(evaluated: &Evaluated) -> Demanded {
    let mut demanded = Demanded::new();
    for (file, arguments) in &evaluated.arguments {
        for name in arguments.iter().filter(|name| !evaluated.scope.contains(*name)) {
            demanded.entry(name.clone()).or_default().insert(file.clone());
        }
    }
    demanded
}

/// The names in expressions `pkgs.NAME`, except in comments.
fn names_in_packages(text: &str) -> BTreeSet<String> {
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

    /// Two files need jq and one needs git. The scope itself defines `backend`.
    fn evaluated() -> Demanded {
        let evaluated = json!({
            "scope": ["backend", "callPackage"],
            "arguments": { "nix/a.nix": ["backend", "jq"], "nix/b.nix": ["callPackage", "git", "jq"] },
        });
        demanded_by_arguments(&serde_json::from_value(evaluated).unwrap())
    }

    #[test]
    fn a_complete_list_is_accepted() {
        listing(&["git", "jq"]).ensure_lists(&evaluated()).unwrap();
    }

    #[test]
    fn a_missing_attribute_is_named_with_its_files() {
        let error = listing(&["git"]).ensure_lists(&evaluated()).unwrap_err().to_string();
        assert!(error.contains("jq is demanded by nix/a.nix, nix/b.nix and not listed"), "{error}");
        assert!(!error.contains("git is"), "{error}");
    }

    #[test]
    fn an_unused_attribute_is_refused() {
        let error = listing(&["git", "grafana", "jq"]).ensure_lists(&evaluated()).unwrap_err().to_string();
        assert!(error.contains("grafana is listed and demanded by no file under nix/: remove it"), "{error}");
    }

    #[test]
    fn another_revision_is_refused() {
        let listed = listing(&[]);
        listed.ensure_revision("a").unwrap();
        let error = listed.ensure_revision("b").unwrap_err().to_string();
        assert!(error.contains("pins nixpkgs at b") && error.contains("look up each attribute"), "{error}");
    }

    #[test]
    fn an_attribute_needs_what_is_relied_on_and_where_it_was_read() {
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
    fn packages_are_found_by_name() {
        let text = "  formatter = pkgs.nixfmt-tree;\n  # pkgs.gone\n  a = nixpkgs.lib; b = (pkgs.nodejs_24.npm);\n";
        assert_eq!(names_in_packages(text), BTreeSet::from(["nixfmt-tree".to_owned(), "nodejs_24".to_owned()]));
    }
}
