//! pgbench, which comes with PostgreSQL: what the database alone can do.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use todo::{postgres::Server, process::Program};
use tokio::process::Command;

use super::latencies::Latencies;

/// The setting of the backend's connections that keeps the triggers from notifying in the transaction.
const CONNECTION_OPTIONS: &str = "-c todo.notifies_after_commit=on";

#[derive(Clone, Debug)]
pub struct Pgbench {
    /// The transaction, in pgbench's language.
    pub script: String,
    pub clients: usize,
    pub duration: Duration,
}

impl Pgbench {
    /// Runs it, and returns the latencies of its transactions and the time that it has taken.
    pub async fn run(&self, server: &Server, url: &str) -> Result<(Latencies, Duration)> {
        // The server's account must be able to read and to write it.
        let directory = server.data_dir().parent().context("a data directory has a parent")?;
        let script = directory.join("pgbench.sql");
        std::fs::write(&script, &self.script)?;
        let prefix = directory.join("pgbench");
        remove_logs(&prefix)?;
        let mut command = Command::from(server.client("pgbench"));
        command
            .args(["--no-vacuum", "--protocol=prepared", "--log"])
            .arg(format!("--client={}", self.clients))
            .arg(format!("--jobs={}", self.clients.min(4)))
            .arg(format!("--time={}", self.duration.as_secs().max(1)))
            .arg(format!("--log-prefix={}", prefix.display()))
            .arg(format!("--file={}", script.display()))
            .arg(url)
            .env("PGOPTIONS", CONNECTION_OPTIONS);
        let start = Instant::now();
        let mut program = Program::start(command, |_| {})
            .context("pgbench is missing: install the programs of PostgreSQL's server")?;
        let status = program.wait().await?;
        let elapsed = start.elapsed();
        anyhow::ensure!(status.success(), "pgbench failed ({status}):\n{}", program.last_lines(20));
        let output = program.last_lines(40);
        let failed = failed_transactions(&output).with_context(|| format!("pgbench wrote no result:\n{output}"))?;
        anyhow::ensure!(failed == 0, "{failed} transactions of pgbench have failed:\n{output}");
        let mut latencies = Vec::new();
        for path in logs(&prefix)? {
            let log = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            for line in log.lines() {
                latencies.push(latency(line).with_context(|| format!("pgbench has logged `{line}`"))?);
            }
        }
        remove_logs(&prefix)?;
        Ok((latencies.into_iter().collect(), elapsed))
    }
}

/// The logs, one for each thread of pgbench: the prefix, the process id, and the number of the thread.
fn logs(prefix: &Path) -> Result<Vec<std::path::PathBuf>> {
    let directory = prefix.parent().context("a log is in a directory")?;
    let start = format!("{}.", prefix.file_name().unwrap_or_default().to_string_lossy());
    let paths = std::fs::read_dir(directory)?.flatten().map(|entry| entry.path());
    let is_log = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.strip_prefix(&start).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    Ok(paths.filter(is_log).collect())
}

fn remove_logs(prefix: &Path) -> Result<()> {
    for path in logs(prefix)? {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// The latency in a line of a log: client, transaction, microseconds, script, and when it ended.
fn latency(line: &str) -> Option<Duration> {
    Some(Duration::from_micros(line.split_whitespace().nth(2)?.parse().ok()?))
}

/// The number of failed transactions; a version before 15 has none, since it ends the client at the first.
fn failed_transactions(output: &str) -> Option<u64> {
    output.lines().find(|line| line.starts_with("tps = "))?;
    let failed = output.lines().find_map(|line| line.strip_prefix("number of failed transactions: "));
    failed.map_or(Some(0), |text| text.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
scaling factor: 1
number of transactions actually processed: 8345
number of failed transactions: 3 (0.036%)
latency average = 1.916 ms
tps = 8346.9 (without initial connection time)
";

    #[test]
    fn failed_transactions_are_found() {
        assert_eq!(failed_transactions(OUTPUT), Some(3));
        assert_eq!(failed_transactions("tps = 1\n"), Some(0));
        assert_eq!(failed_transactions("pgbench: error\n"), None);
    }

    #[test]
    fn a_line_of_the_log_has_a_latency() {
        assert_eq!(latency("0 199 2241 0 1175850568 995598"), Some(Duration::from_micros(2241)));
        assert_eq!(latency("0 199 failed 0 1175850568 995598"), None);
    }
}
