//! The table that closes a run.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, ensure};

#[derive(Debug, Default)]
pub struct Report(Mutex<Vec<[String; 3]>>);

impl Report {
    pub fn add(&self, row: &str, limit: impl Display, measured: impl Display) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push([row.into(), limit.to_string(), measured.to_string()]);
    }

    /// Notes how long something took, and fails when that was over the limit.
    pub fn time(&self, row: &str, limit: Duration, took: Duration) -> Result<()> {
        self.add(row, format!("≤ {} s", limit.as_secs()), format!("{:.1} s", took.as_secs_f64()));
        ensure!(took <= limit, "{row}: took {took:.1?}, and may take {limit:?}");
        Ok(())
    }

    pub fn print(&self) {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (first, second) = (width(0).max(3), width(1).max(5));
        println!("\n{:<first$} | {:<second$} | measured", "row", "limit");
        for [row, limit, measured] in rows.iter() {
            println!("{row:<first$} | {limit:<second$} | {measured}");
        }
    }
}
