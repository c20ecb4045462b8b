//! The result of each step, and the summary of a run.

use std::time::Duration;

use anstyle::AnsiColor;
use todo::output::{bold, colored};

use super::counts::Counts;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    Skipped,
}

#[derive(Debug)]
pub struct Report {
    pub name: &'static str,
    pub verdict: Verdict,
    pub counts: Counts,
    pub elapsed: Duration,
    /// The reason of a failure or a skip; else empty.
    pub reason: String,
}

impl Report {
    pub fn failed(name: &'static str, elapsed: Duration, reason: String) -> Self {
        Self { name, verdict: Verdict::Failed, counts: Counts::failed(1), elapsed, reason }
    }

    /// One line of the table, without the name of the step.
    pub fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Passed => colored(AnsiColor::Green, "passed "),
            Verdict::Failed => colored(AnsiColor::Red, "FAILED "),
            Verdict::Skipped => colored(AnsiColor::Yellow, "skipped"),
        };
        let reason = self.reason.lines().next().unwrap_or_default();
        format!("{verdict} {:>5.0} s {:>5}  {reason}", self.elapsed.as_secs_f64(), self.counts.passed)
    }
}

/// Prints the table, and as its last line the totals, which scripts can parse.
pub fn print(reports: &[Report]) {
    let mut total = Counts::default();
    anstream::println!("\n{}", bold(&format!("{:<16} {:<7} {:>7} {:>5}", "step", "result", "time", "tests")));
    for report in reports {
        anstream::println!("{:<16} {}", report.name, report.line());
        total += report.counts.clone();
    }
    anstream::println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped.len());
}
