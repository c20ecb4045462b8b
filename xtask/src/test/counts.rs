//! The numbers of tests that a runner ran, from its output.

use std::ops::AddAssign;

use anyhow::{Context, Result};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// The names of the tests that failed, if the runner prints them; of Rust's tests with the first line of the reason.
    pub failures: Vec<String>,
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

    #[must_use]
    pub fn skipped(skipped: u64) -> Self {
        Self { skipped, ..Self::default() }
    }

    /// Reads the output of `cargo test`, which has one result line for each test binary.
    #[must_use]
    pub fn of_cargo_test(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines().filter(|line| line.starts_with("test result: ")) {
            let number = |label: &str| {
                let before = line.split_once(label)?.0;
                before.rsplit([' ', '.']).find(|word| !word.is_empty())?.parse::<u64>().ok()
            };
            counts += Self {
                passed: number(" passed").unwrap_or(0),
                failed: number(" failed").unwrap_or(0),
                skipped: number(" ignored").unwrap_or(0),
                failures: Vec::new(),
            };
        }
        let failed = output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        counts.failures = failed.map(|name| with_reason(name.trim(), output)).collect();
        counts
    }

    /// Reads the output of helm-unittest: `Tests:       1 failed, 2 errored, 69 passed, 72 total`.
    #[must_use]
    pub fn of_helm_unittest(output: &str) -> Self {
        let line = output.lines().find_map(|line| line.strip_prefix("Tests:")).unwrap_or_default();
        let number = |label: &str| {
            let words = line.split(',').filter_map(|part| part.trim().split_once(' '));
            words.filter(|(_, word)| *word == label).filter_map(|(count, _)| count.parse::<u64>().ok()).sum::<u64>()
        };
        Self {
            passed: number("passed"),
            failed: number("failed") + number("errored"),
            skipped: number("skipped"),
            failures: Vec::new(),
        }
    }

    /// Reads vitest's JSON report.
    pub fn of_vitest(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("vitest wrote no JSON report")?;
        let number = |key: &str| report[key].as_u64().with_context(|| format!("vitest's report has no {key}"));
        Ok(Self {
            passed: number("numPassedTests")?,
            // A file that cannot even be loaded has no tests to count.
            failed: number("numFailedTests")?.max(number("numFailedTestSuites")?),
            skipped: number("numPendingTests")? + report["numTodoTests"].as_u64().unwrap_or(0),
            failures: failed_in_vitest(&report),
        })
    }

    /// Reads Playwright's JSON report. A flaky test, which passed only on a retry, counts as failed.
    pub fn of_playwright(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("Playwright wrote no JSON report")?;
        let stats = &report["stats"];
        let number = |key: &str| stats[key].as_u64().with_context(|| format!("Playwright's report has no {key}"));
        let errors = report["errors"].as_array().map_or(0, |errors| errors.len() as u64);
        Ok(Self {
            passed: number("expected")?,
            failed: (number("unexpected")? + number("flaky")?).max(errors),
            skipped: number("skipped")?,
            failures: failed_in_playwright(&report),
        })
    }
}

/// The harness prints `thread 'name' (id) panicked at file:line:column:` and in the next line the message.
fn with_reason(name: &str, output: &str) -> String {
    let mut lines = output.lines();
    let thread = format!("thread '{name}' ");
    let place = lines.find_map(|line| line.strip_prefix(&thread)?.split_once("panicked at ")?.1.strip_suffix(':'));
    let message = lines.next().unwrap_or_default();
    place.map_or_else(|| name.to_owned(), |place| format!("{name} ({place}: {message})"))
}

fn failed_in_vitest(report: &Value) -> Vec<String> {
    let tests = list(report, "testResults").flat_map(|file| list(file, "assertionResults"));
    let failed = tests.filter(|test| test["status"] == "failed");
    failed.filter_map(|test| Some(test["fullName"].as_str()?.to_owned())).collect()
}

/// The failed tests of a report or of one of its suites, which contain suites themselves.
fn failed_in_playwright(suite: &Value) -> Vec<String> {
    let is_failed =
        |spec: &&Value| list(spec, "tests").any(|test| test["status"] != "expected" && test["status"] != "skipped");
    let failed = list(suite, "specs").filter(is_failed);
    let name = |spec: &Value| Some(format!("{}: {}", spec["file"].as_str()?, spec["title"].as_str()?));
    failed.filter_map(name).chain(list(suite, "suites").flat_map(failed_in_playwright)).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[key].as_array().into_iter().flatten()
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_the_binaries_of_cargo_test() {
        let output = "
running 2 tests
test a ... ok
test b      ... FAILED
test c ... FAILED
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s

---- c stdout ----

thread 'c' (7) panicked at tests/api/c.rs:5:9:
waited in vain
note: run with `RUST_BACKTRACE=1`
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        let failures = vec!["b".to_owned(), "c (tests/api/c.rs:5:9: waited in vain)".to_owned()];
        assert_eq!(Counts::of_cargo_test(output), Counts { passed: 15, failed: 2, skipped: 1, failures });
        assert_eq!(Counts::of_cargo_test("error: could not compile"), Counts::default());
    }

    #[test]
    fn reads_helm_unittest() {
        let output =
            "Test Suites: 1 failed, 8 passed, 9 total\nTests:       2 failed, 1 errored, 69 passed, 72 total\n";
        assert_eq!(Counts::of_helm_unittest(output), Counts { passed: 69, failed: 3, ..Counts::default() });
        assert_eq!(Counts::of_helm_unittest("Error: no such chart"), Counts::default());
    }

    #[test]
    fn reads_vitest() {
        let report = r#"{"numTotalTests":7,"numPassedTests":4,"numFailedTests":1,"numPendingTests":1,"numTodoTests":1,
            "numFailedTestSuites":1,"testResults":[{"assertionResults":[
            {"fullName":"a b","status":"failed"},{"fullName":"c","status":"passed"}]}]}"#;
        let failures = vec!["a b".to_owned()];
        assert_eq!(Counts::of_vitest(report).unwrap(), Counts { passed: 4, failed: 1, skipped: 2, failures });
        let broken_file = r#"{"numPassedTests":0,"numFailedTests":0,"numPendingTests":0,"numFailedTestSuites":1}"#;
        assert_eq!(Counts::of_vitest(broken_file).unwrap(), Counts::failed(1));
        assert!(Counts::of_vitest("").is_err());
    }

    #[test]
    fn reads_playwright() {
        let report = r#"{"stats":{"expected":10,"unexpected":1,"flaky":2,"skipped":3},"errors":[],"suites":[{
            "specs":[{"file":"a.spec.ts","title":"fine","tests":[{"status":"expected"}]}],
            "suites":[{"specs":[{"file":"a.spec.ts","title":"broken","tests":[{"status":"unexpected"}]}]}]}]}"#;
        let failures = vec!["a.spec.ts: broken".to_owned()];
        assert_eq!(Counts::of_playwright(report).unwrap(), Counts { passed: 10, failed: 3, skipped: 3, failures });
        let no_tests = r#"{"stats":{"expected":0,"unexpected":0,"flaky":0,"skipped":0},"errors":[{"message":"x"}]}"#;
        assert_eq!(Counts::of_playwright(no_tests).unwrap(), Counts::failed(1));
    }
}
