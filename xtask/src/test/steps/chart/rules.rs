//! Checks the alerts with Prometheus's own tool, and Grafana's files against its documentation.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::{HELM_3, find, render};
use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
    tools,
};

const TESTS: &str = "helm/todo/tests/rules_test.yml";

pub async fn rules(run: &StepRun<'_>) -> Result<Outcome> {
    let helm = find!(run, HELM_3);
    let promtool = match tools::prometheus(run, "promtool").await? {
        Ok(program) => program,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let scratch = tempfile::tempdir()?;
    write_config(run, &helm, scratch.path(), &[]).await?;
    std::fs::copy(run.workspace().path(TESTS), scratch.path().join("tests.yml"))?;
    let promtool = |arguments: &[&str]| {
        let mut command = Command::new(&promtool);
        command.args(arguments).current_dir(scratch.path());
        command
    };
    run.succeed(promtool(&["check", "rules", "rules.yml"])).await?;
    let tested = run.finish(promtool(&["test", "rules", "tests.yml"])).await?;
    ensure!(tested.status.success(), "alerts do not fire as {TESTS} says:\n{}", tested.output.trim());
    let tests = std::fs::read_to_string(scratch.path().join("tests.yml"))?;
    Ok(Outcome::Ran(Counts::passed(1 + tests.matches("alert_rule_test:").count() as u64)))
}

/// Writes the configuration that the chart gives its Prometheus: `prometheus.yml` and `rules.yml`.
pub async fn write_config(run: &StepRun<'_>, helm: &Path, directory: &Path, set: &[&str]) -> Result<()> {
    for (name, text) in config(run, helm, "configmap.yaml", set).await? {
        std::fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// The data of a `ConfigMap` of the monitoring.
async fn config(run: &StepRun<'_>, helm: &Path, template: &str, set: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut values = vec!["--values", "helm/todo/values-minikube.yaml", "--set", "monitoring.enabled=true"];
    for set in set {
        values.extend(["--set", set]);
    }
    let template = format!("templates/monitoring/{template}");
    values.extend(["--show-only", &template]);
    let manifest: Value = serde_saphyr::from_str(&render(run, helm, &values).await?)?;
    serde_json::from_value(manifest["data"].clone()).with_context(|| format!("{template} has no data"))
}

/// The fields that <https://grafana.com/docs/grafana/latest/administration/provisioning/> documents, `!` before those
/// that are needed.
const GRAFANA: &[(&str, &str, &[&str])] = &[
    (
        "datasources.yaml",
        "datasources",
        &[
            "!name",
            "!type",
            "!access",
            "orgId",
            "uid",
            "url",
            "user",
            "database",
            "basicAuth",
            "basicAuthUser",
            "withCredentials",
            "isDefault",
            "jsonData",
            "secureJsonData",
            "version",
            "editable",
        ],
    ),
    (
        "providers.yaml",
        "providers",
        &[
            "!name",
            "orgId",
            "folder",
            "folderUid",
            "!type",
            "disableDeletion",
            "updateIntervalSeconds",
            "allowUiUpdates",
            "!options",
        ],
    ),
];

/// No Grafana runs here, since no package has one: its files are compared with its documentation.
pub async fn grafana(run: &StepRun<'_>) -> Result<Outcome> {
    let helm = find!(run, HELM_3);
    let files = config(run, &helm, "grafana-config.yaml", &[]).await?;
    for (name, list, fields) in GRAFANA {
        let file = files.get(*name).with_context(|| format!("there is no {name}"))?;
        provisioning(&serde_saphyr::from_str(file)?, list, fields).with_context(|| format!("{name}:\n{file}"))?;
    }
    let datasources: Value = serde_saphyr::from_str(&files["datasources.yaml"])?;
    ensure!(datasources["datasources"][0]["isDefault"] == true, "dashboards would have no data source to begin with");
    Ok(Outcome::Ran(Counts::passed(GRAFANA.len() as u64)))
}

fn provisioning(file: &Value, list: &str, fields: &[&str]) -> Result<()> {
    ensure!(file["apiVersion"] == 1, "apiVersion must be 1");
    let keys: Vec<&String> = file.as_object().context("no mapping")?.keys().collect();
    ensure!(keys.len() == 2, "apiVersion and {list} are wanted, and nothing else: {keys:?}");
    let entries = file[list].as_array().filter(|entries| !entries.is_empty()).with_context(|| format!("no {list}"))?;
    for entry in entries.iter().map(|entry| entry.as_object().context("no mapping")) {
        let entry = entry?;
        for key in entry.keys() {
            ensure!(fields.iter().any(|field| field.trim_start_matches('!') == key), "{key} is not documented");
        }
        for needed in fields.iter().filter_map(|field| field.strip_prefix('!')) {
            ensure!(entry.contains_key(needed), "{needed} is missing");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn provisioning_with_an_unknown_field_or_without_a_needed_one_is_refused() {
        let check =
            |entry: Value| provisioning(&json!({ "apiVersion": 1, "providers": [entry] }), "providers", GRAFANA[1].2);
        check(json!({ "name": "todo", "type": "file", "options": {} })).unwrap();
        let unknown = json!({ "name": "todo", "type": "file", "options": {}, "ordId": 1 });
        assert!(check(unknown).unwrap_err().to_string().contains("ordId"));
        assert!(check(json!({ "name": "todo", "type": "file" })).unwrap_err().to_string().contains("options"));
    }
}
