//! Checks that a step runs each command in the documentation, or that the command is a known exception.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Result, ensure};
use todo::workspace::Workspace;

use super::steps::STEPS;

/// The commands in fenced `sh` blocks, each with the step that runs it. A final `*` matches any arguments.
const COMMANDS: &[(&str, &str)] = &[
    ("cargo todo dev", "dev"),
    // The step `xtask` runs it for one step, since a step that ran all steps would not end.
    ("cargo xtask test", "xtask"),
    ("cargo xtask test *", "xtask"),
    // The step `xtask` measures one row, since all of them take half an hour.
    ("cargo xtask bench", "xtask"),
    ("cargo xtask bench *", "xtask"),
    ("cargo todo doctor", "cli"),
    ("cargo xtask box *", "xtask"),
    ("cargo todo deploy", "cluster"),
    ("cargo todo deploy *", "cluster"),
    ("cargo todo status", "cluster"),
    ("cargo todo verify", "cluster"),
    ("cargo todo down", "cluster"),
    ("cargo todo down --purge", "cluster"),
    ("cargo todo ai-kubeconfig", "cluster"),
    // The step `cluster` runs it too, if kubectl-ai is installed.
    ("cargo todo ask *", "cli"),
    // The step runs the commands of all questions in docs/aiops.md.
    ("kubectl get *", "cluster"),
    ("kubectl describe *", "cluster"),
    ("kubectl logs *", "cluster"),
    ("kubectl top *", "cluster"),
    ("kubectl events *", "cluster"),
    ("kubectl rollout status *", "cluster"),
    ("kubectl rollout history *", "cluster"),
    // The steps `sqlx` and `api-types` run its two parts, without writing into the checkout.
    ("cargo xtask prepare", "sqlx"),
    ("helm install todo ./helm/todo", "cluster"),
    ("helm test todo", "cluster"),
    // The step runs the same program without writing.
    ("go tool -C helm/tools/helm-docs helm-docs *", "chart-docs"),
];

/// Commands that no step runs, each with the entry of `.ci/allowed-skips` that has the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("helm upgrade --install kagent*", "kagent"),
    ("kubectl create namespace kagent", "kagent"),
    ("kubectl --namespace kagent *", "kagent"),
    ("kubectl apply --filename docs/examples/kagent/*", "kagent"),
    // The step `flake` only parses the flake.
    ("nix run .#*", "nix"),
    ("nix build .#*", "nix"),
    ("nix flake check", "nix"),
    ("nix develop*", "nix"),
    ("kubectl --namespace todo *", "old-volume"),
];

/// Returns the number of documented commands that a step runs, and the exceptions. Fails for any other command.
pub fn check(workspace: &Workspace) -> Result<(u64, BTreeSet<&'static str>)> {
    let mut unknown = Vec::new();
    let mut known = 0;
    let mut not_run = BTreeSet::new();
    for path in pages(workspace)? {
        let text = std::fs::read_to_string(&path)?;
        for command in shell_commands(&text) {
            if step_of(&command).is_some() {
                known += 1;
            } else if let Some(name) = look_up(NOT_RUN, &command) {
                not_run.insert(name);
            } else {
                unknown.push(format!("{}: {command}", path.display()));
            }
        }
    }
    ensure!(unknown.is_empty(), "no step runs these commands; see xtask/src/test/commands.rs\n{}", unknown.join("\n"));
    Ok((known, not_run))
}

fn pages(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut pages = vec![workspace.path("README.md"), workspace.path("CONTRIBUTING.md")];
    for entry in std::fs::read_dir(workspace.path("docs")).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// The commands of fenced `sh` blocks, without prompts, comments and continuations.
fn shell_commands(markdown: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside = false;
    let mut continued = String::new();
    for line in markdown.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = !inside && ["```sh", "```bash", "```console", "```shell"].contains(&line);
            continue;
        }
        let line = line.split_once(" #").map_or(line, |(command, _)| command).trim();
        if !inside || line.is_empty() || line.starts_with('#') {
            continue;
        }
        continued.push_str(line.trim_start_matches("$ "));
        if continued.ends_with('\\') {
            continued.pop();
        } else {
            commands.push(std::mem::take(&mut continued));
        }
    }
    commands
}

fn step_of(command: &str) -> Option<&'static str> {
    look_up(COMMANDS, command).filter(|step| STEPS.iter().any(|known| known.name == *step))
}

fn look_up(table: &[(&str, &'static str)], command: &str) -> Option<&'static str> {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => command.starts_with(start),
        None => command == pattern,
    };
    table.iter().find(|(pattern, _)| matches(pattern)).map(|(_, found)| *found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_a_page_are_parsed() {
        let page = "
text `cargo nonsense`
```sh
$ cargo todo dev   # a comment
# a comment
cargo xtask \\
  test
```
```json
{}
```
";
        assert_eq!(shell_commands(page), ["cargo todo dev", "cargo xtask test"]);
    }

    #[test]
    fn a_command_is_known_with_its_step() {
        assert_eq!(step_of("cargo todo dev"), Some("dev"));
        assert_eq!(step_of("cargo xtask test backend"), Some("xtask"));
        assert_eq!(step_of("rm -r /"), None);
    }

    /// A path is a text in backticks that begins with a directory of the repository, or the target of a link.
    #[test]
    fn every_path_on_a_page_exists() {
        let workspace = Workspace::find().unwrap();
        let is_path = |span: &&str| {
            let (first, _) = span.split_once('/').unwrap_or_default();
            !["", ".todo"].contains(&first) && workspace.path(first).is_dir() && !span.contains([' ', '\n', '*', '…'])
        };
        for page in pages(&workspace).unwrap() {
            let text = std::fs::read_to_string(&page).unwrap();
            for path in text.split('`').skip(1).step_by(2).filter(is_path) {
                assert!(workspace.path(path).exists(), "{}: there is no {path}", page.display());
            }
            let targets = text.split("](").skip(1).filter_map(|rest| rest.split(['#', ')']).next());
            for target in targets.filter(|target| !target.contains("://")) {
                assert!(page.parent().unwrap().join(target).exists(), "{}: there is no {target}", page.display());
            }
        }
    }

    #[test]
    fn every_command_names_a_step_that_exists() {
        for (command, step) in COMMANDS {
            assert!(STEPS.iter().any(|known| known.name == *step), "{command}: {step}");
        }
    }
}
