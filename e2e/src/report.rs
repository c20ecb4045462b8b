//! What a run writes: a JUnit report of its tests, and a table of measurements.

use std::{
    fmt::Display,
    fs::File,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, ensure};
use quick_junit::{TestCase, TestCaseStatus, TestSuite};

#[derive(Debug, Default)]
pub struct Report {
    rows: Mutex<Vec<[String; 3]>>,
    tests: Mutex<Vec<TestCase>>,
}

impl Report {
    /// Adds a test that has ended.
    pub fn test(&self, name: &str, status: TestCaseStatus, took: Duration) {
        let mut test = TestCase::new(name, status);
        test.set_time(took);
        self.tests.lock().unwrap_or_else(PoisonError::into_inner).push(test);
    }

    /// Writes the JUnit report.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut suite = TestSuite::new("cluster");
        suite.add_test_cases(self.tests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        let mut report = quick_junit::Report::new("cluster");
        report.add_test_suite(suite);
        report.serialize(File::create(path)?)?;
        Ok(())
    }

    pub fn add(&self, row: &str, limit: impl Display, measured: impl Display) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push([row.into(), limit.to_string(), measured.to_string()]);
    }

    /// Records how long something took, and fails when that was over the limit.
    pub fn time(&self, row: &str, limit: Duration, took: Duration) -> Result<()> {
        self.add(row, format!("≤ {} s", limit.as_secs()), format!("{:.1} s", took.as_secs_f64()));
        ensure!(took <= limit, "{row}: took {took:.1?}, and may take {limit:?}");
        Ok(())
    }

    pub fn print(&self) {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (first, second) = (width(0).max(3), width(1).max(5));
        println!("\n{:<first$} | {:<second$} | measured", "row", "limit");
        for [row, limit, measured] in rows.iter() {
            println!("{row:<first$} | {limit:<second$} | {measured}");
        }
    }
}
