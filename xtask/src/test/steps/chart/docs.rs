//! Checks the chart's documentation and schema against its values, and its version against the workspace.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::{CHART, find, tools::HELM_DOCS};
use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
};

pub async fn docs(run: &StepRun<'_>) -> Result<Outcome> {
    let workspace = run.workspace();
    let chart = workspace.path(CHART);
    let mut generate = Command::new(find!(run, HELM_DOCS));
    generate
        .arg("--dry-run")
        .arg("--chart-search-root")
        .arg(&chart)
        .args(["--sort-values-order=file", "--log-level=error"]);
    let generated = run.check_output(generate).await?;
    let committed = std::fs::read_to_string(chart.join("README.md"))?;
    ensure!(
        generated.trim() == committed.trim(),
        "{CHART}/README.md is stale: docs/chart.md has the command that renews it; commit it with the values"
    );

    let documented: BTreeSet<_> = committed.lines().filter_map(key).collect();
    let known = schema_keys(&chart.join("values.schema.json"))?;
    let differences: Vec<_> = documented.symmetric_difference(&known).map(String::as_str).collect();
    ensure!(differences.is_empty(), "values.yaml and values.schema.json differ in: {}", differences.join(", "));

    let chart = std::fs::read_to_string(chart.join("Chart.yaml"))?;
    let version = env!("CARGO_PKG_VERSION");
    ensure!(
        chart.lines().any(|line| line == format!("appVersion: {version}")),
        "{CHART}/Chart.yaml: appVersion must be the workspace's version, {version}"
    );
    Ok(Outcome::Ran(Counts::passed(3)))
}

/// The value that a line of the table documents.
fn key(line: &str) -> Option<String> {
    let key = line.strip_prefix("| ")?.split(" |").next()?.trim();
    (key != "Key").then(|| key.to_owned())
}

/// Every value that the schema names. Fails if it allows values that it does not name.
fn schema_keys(path: &Path) -> Result<BTreeSet<String>> {
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path)?).context("values.schema.json")?;
    let mut keys = BTreeSet::new();
    collect_keys(&schema, &schema, "", &mut keys)?;
    // Helm adds this key itself.
    keys.remove("global");
    Ok(keys)
}

/// Objects that values.yaml documents as one value, with an example.
const DOCUMENTED_AS_ONE_VALUE: &[&str] = &["resources", "startup", "liveness", "readiness", "fastBurn", "slowBurn"];

/// Collects the paths of all values below a schema.
fn collect_keys(root: &Value, schema: &Value, path: &str, keys: &mut BTreeSet<String>) -> Result<()> {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root
            .pointer(reference.trim_start_matches('#'))
            .context("a reference of values.schema.json does not resolve")?,
        None => schema,
    };
    let Some(properties) = schema["properties"].as_object() else {
        keys.insert(path.to_owned());
        return Ok(());
    };
    ensure!(schema["additionalProperties"] == false, "values.schema.json allows anything below `{path}`");
    let name = path.rsplit('.').next().unwrap_or_default();
    if DOCUMENTED_AS_ONE_VALUE.contains(&name) {
        keys.insert(path.to_owned());
        return Ok(());
    }
    for (name, property) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect_keys(root, property, &path, keys)?;
    }
    Ok(())
}
