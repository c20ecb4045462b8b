//! Counts the tests of a step by the JUnit reports that every test runner of this repository writes.

use std::{ops::AddAssign, path::Path};

use anyhow::{Context, Result};
use roxmltree::{Document, Node};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    /// The names of the failed tests, each with the beginning of its reason.
    pub failures: Vec<String>,
    /// The names of the skipped tests.
    pub skipped: Vec<String>,
}

impl Counts {
    #[must_use]
    pub fn passed(passed: u64) -> Self {
        Self { passed, ..Self::default() }
    }

    #[must_use]
    pub fn failed(failed: u64) -> Self {
        Self { failed, ..Self::default() }
    }

    /// Counts the tests of all JUnit reports in a directory.
    pub fn from_reports(directory: &Path) -> Result<Self> {
        let mut counts = Self::default();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path)?;
            let report = Document::parse(&text).with_context(|| format!("{} is not a JUnit report", path.display()))?;
            counts += Self::from_report(&report);
        }
        Ok(counts)
    }

    fn from_report(report: &Document) -> Self {
        let mut counts = Self::default();
        for test in report.descendants().filter(|node| node.has_tag_name("testcase")) {
            let name = test.attribute("name").unwrap_or_default();
            let child = |names: &[&str]| test.children().find(|node| names.contains(&node.tag_name().name()));
            // A test that passed only in a retry has failed.
            if let Some(failure) = child(&["failure", "error", "flakyFailure", "flakyError"]) {
                counts.failed += 1;
                counts.failures.push(with_reason(name, failure));
            } else if child(&["skipped"]).is_some() {
                counts.skipped.push(name.to_owned());
            } else {
                counts.passed += 1;
            }
        }
        counts
    }
}

/// The name of a failed test, and the first lines of its reason. A panic has its location in one line and the message
/// in the next.
fn with_reason(name: &str, failure: Node) -> String {
    const MAX_LINES: usize = 3;
    let text = failure.text().or(failure.attribute("message")).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_LINES).collect();
    if lines.is_empty() { name.to_owned() } else { format!("{name} ({})", lines.join(" ")) }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.skipped.extend(other.skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="2" skipped="0" failures="1" errors="0">
  <testsuite name="todo::deploy" tests="2" disabled="0" errors="0" failures="1">
    <testcase name="passes" classname="todo::deploy" time="0.1"/>
    <testcase name="fails" classname="todo::deploy" time="0.1">
      <failure message="thread 'fails' (7) panicked at tests/c.rs:5:9" type="test failure">thread 'fails' (7) panicked at tests/c.rs:5:9:
waited in vain</failure>
    </testcase>
  </testsuite>
</testsuites>"#;

    const VITEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="vitest tests" tests="2" failures="0" errors="0" time="1">
  <testsuite name="tests/unit/a.test.ts" tests="2" failures="0" errors="0" skipped="1" time="0.1">
    <testcase classname="tests/unit/a.test.ts" name="a &gt; is skipped" time="0"><skipped/></testcase>
    <testcase classname="tests/unit/a.test.ts" name="a &gt; passes" time="0.1"></testcase>
  </testsuite>
</testsuites>"#;

    #[test]
    fn all_reports_of_a_directory_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("nextest.xml"), NEXTEST).unwrap();
        std::fs::write(directory.path().join("vitest.xml"), VITEST).unwrap();
        let counts = Counts::from_reports(directory.path()).unwrap();
        assert_eq!((counts.passed, counts.failed), (2, 1));
        assert_eq!(counts.failures, ["fails (thread 'fails' (7) panicked at tests/c.rs:5:9: waited in vain)"]);
        assert_eq!(counts.skipped, ["a > is skipped"]);
    }

    #[test]
    fn a_test_that_passed_in_a_retry_has_failed() {
        let report = NEXTEST.replace("<failure", "<flakyFailure").replace("</failure", "</flakyFailure");
        let counts = Counts::from_report(&Document::parse(&report).unwrap());
        assert_eq!((counts.passed, counts.failed), (1, 1), "{counts:?}");
    }

    #[test]
    fn a_file_that_is_no_report_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("report.xml"), "error: could not compile").unwrap();
        let message = Counts::from_reports(directory.path()).unwrap_err().to_string();
        assert!(message.contains("report.xml is not a JUnit report"), "{message}");
    }
}
