//! The file of steps that may be skipped.

use anyhow::{Context, Result, ensure};
use todo::workspace::Workspace;

use super::steps::STEPS;

/// Each line is `step: reason` or `step/test: reason`.
pub const FILE: &str = ".ci/allowed-skips";

/// The steps that may be skipped: in CI only those in the file, elsewhere all.
#[derive(Debug)]
pub struct AllowedSkips(Option<Vec<String>>);

impl AllowedSkips {
    pub fn read(workspace: &Workspace, ci: bool) -> Result<Self> {
        let text = std::fs::read_to_string(workspace.path(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let names = parse(&text)?;
        Ok(Self(ci.then_some(names)))
    }

    /// Whether a step, or a test of a step as `step/test`, may be skipped.
    pub fn allows(&self, step: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|name| name == step))
    }
}

fn parse(text: &str) -> Result<Vec<String>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(':').unwrap_or((line, ""));
            ensure!(!reason.trim().is_empty(), "{FILE}: `{line}` gives no reason; write `step: reason`");
            let (step, _) = name.split_once('/').unwrap_or((name, ""));
            ensure!(STEPS.iter().any(|known| known.name == step), "{FILE}: there is no step `{step}`");
            Ok(name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ci_only_listed_steps_may_be_skipped() {
        let listed = parse("# comment\n\nadvisories: the advisory database may be out of reach\n").unwrap();
        let ci = AllowedSkips(Some(listed));
        assert!(ci.allows("advisories"));
        assert!(!ci.allows("e2e"));
        assert!(AllowedSkips(None).allows("e2e"));
    }

    #[test]
    fn one_test_of_a_step_may_be_listed() {
        let ci = AllowedSkips(Some(parse("cluster/egress: no such network\n").unwrap()));
        assert!(ci.allows("cluster/egress"));
        assert!(!ci.allows("cluster/install") && !ci.allows("cluster"));
    }

    #[test]
    fn an_entry_needs_a_reason_and_a_step_that_exists() {
        assert!(parse("e2e").unwrap_err().to_string().contains("no reason"));
        assert!(parse("e2e:").unwrap_err().to_string().contains("no reason"));
        assert!(parse("e3e: typo").unwrap_err().to_string().contains("no step `e3e`"));
    }
}
