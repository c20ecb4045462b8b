//! How many tests a runner ran, from what it printed.

use std::ops::AddAssign;

use anyhow::{Context, Result};
use serde_json::Value;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
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

    /// Of `cargo test`: one result line for each test binary.
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
            };
        }
        counts
    }

    /// Of helm-unittest: `Tests:       1 failed, 2 errored, 69 passed, 72 total`.
    #[must_use]
    pub fn of_helm_unittest(output: &str) -> Self {
        let line = output.lines().find_map(|line| line.strip_prefix("Tests:")).unwrap_or_default();
        let number = |label: &str| {
            let words = line.split(',').filter_map(|part| part.trim().split_once(' '));
            words.filter(|(_, word)| *word == label).filter_map(|(count, _)| count.parse::<u64>().ok()).sum::<u64>()
        };
        Self { passed: number("passed"), failed: number("failed") + number("errored"), skipped: number("skipped") }
    }

    /// Of vitest's JSON report.
    pub fn of_vitest(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("vitest wrote no JSON report")?;
        let number = |key: &str| report[key].as_u64().with_context(|| format!("vitest's report has no {key}"));
        Ok(Self {
            passed: number("numPassedTests")?,
            // A file that cannot even be loaded has no tests to count.
            failed: number("numFailedTests")?.max(number("numFailedTestSuites")?),
            skipped: number("numPendingTests")? + report["numTodoTests"].as_u64().unwrap_or(0),
        })
    }

    /// Of Playwright's JSON report. A flaky test, one that passed on a retry only, has failed.
    pub fn of_playwright(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("Playwright wrote no JSON report")?;
        let stats = &report["stats"];
        let number = |key: &str| stats[key].as_u64().with_context(|| format!("Playwright's report has no {key}"));
        let errors = report["errors"].as_array().map_or(0, |errors| errors.len() as u64);
        Ok(Self {
            passed: number("expected")?,
            failed: (number("unexpected")? + number("flaky")?).max(errors),
            skipped: number("skipped")?,
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
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
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        assert_eq!(Counts::of_cargo_test(output), Counts { passed: 15, failed: 2, skipped: 1 });
        assert_eq!(Counts::of_cargo_test("error: could not compile"), Counts::default());
    }

    #[test]
    fn reads_helm_unittest() {
        let output =
            "Test Suites: 1 failed, 8 passed, 9 total\nTests:       2 failed, 1 errored, 69 passed, 72 total\n";
        assert_eq!(Counts::of_helm_unittest(output), Counts { passed: 69, failed: 3, skipped: 0 });
        assert_eq!(Counts::of_helm_unittest("Error: no such chart"), Counts::default());
    }

    #[test]
    fn reads_vitest() {
        let report = r#"{"numTotalTests":7,"numPassedTests":4,"numFailedTests":1,"numPendingTests":1,"numTodoTests":1,"numFailedTestSuites":1}"#;
        assert_eq!(Counts::of_vitest(report).unwrap(), Counts { passed: 4, failed: 1, skipped: 2 });
        let broken_file = r#"{"numPassedTests":0,"numFailedTests":0,"numPendingTests":0,"numFailedTestSuites":1}"#;
        assert_eq!(Counts::of_vitest(broken_file).unwrap(), Counts::failed(1));
        assert!(Counts::of_vitest("").is_err());
    }

    #[test]
    fn reads_playwright() {
        let report = r#"{"stats":{"expected":10,"unexpected":1,"flaky":2,"skipped":3},"errors":[]}"#;
        assert_eq!(Counts::of_playwright(report).unwrap(), Counts { passed: 10, failed: 3, skipped: 3 });
        let no_tests = r#"{"stats":{"expected":0,"unexpected":0,"flaky":0,"skipped":0},"errors":[{"message":"x"}]}"#;
        assert_eq!(Counts::of_playwright(no_tests).unwrap(), Counts::failed(1));
    }
}
