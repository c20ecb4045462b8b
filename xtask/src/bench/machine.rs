//! What a measurement depends on.

use anyhow::Result;
use sqlx::PgPool;

use super::section::{float, short};

/// A sentence about the machine and the versions, and when they were measured.
pub async fn describe(pool: &PgPool) -> Result<String> {
    let (version, date): (String, String) =
        sqlx::query_as("select current_setting('server_version'), to_char(now() at time zone 'UTC', 'YYYY-MM-DD')")
            .fetch_one(pool)
            .await?;
    let cores = std::thread::available_parallelism()?;
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned());
    let kernel = read("/proc/sys/kernel/osrelease");
    let kibibytes = value(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
    let memory = short(float(kibibytes.unwrap_or_default()) / (1024.0 * 1024.0));
    let load = read("/proc/loadavg");
    Ok(format!(
        "Measured on {date}: {cores} cores ({model}), {memory} GiB, Linux {}, PostgreSQL {version}. Load average before: {}.",
        kernel.trim(),
        load.split(' ').next().unwrap_or_default()
    ))
}

/// The value of the first line `NAME: VALUE`.
fn value(text: &str, name: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(other, _)| other.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: A: B\n\nprocessor\t: 1\nmodel name\t: C\n";
        assert_eq!(super::value(text, "model name").as_deref(), Some("A: B"));
        assert_eq!(super::value("MemTotal:       32 kB\n", "MemTotal").as_deref(), Some("32 kB"));
        assert_eq!(super::value(text, "flags"), None);
    }
}
