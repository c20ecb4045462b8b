//! The summary of a run.

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
    /// Why it failed or was skipped.
    pub reason: String,
}

impl Report {
    pub fn failed(name: &'static str, elapsed: Duration, reason: String) -> Self {
        Self { name, verdict: Verdict::Failed, counts: Counts::failed(1), elapsed, reason }
    }

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

/// Prints a table, and then the line that a script of the caller reads.
pub fn print(reports: &[Report]) {
    let mut total = Counts::default();
    anstream::println!("\n{}", bold(&format!("{:<16} {:<7} {:>7} {:>5}", "step", "result", "time", "tests")));
    for report in reports {
        anstream::println!("{:<16} {}", report.name, report.line());
        total += report.counts.clone();
    }
    anstream::println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped.len());
}
