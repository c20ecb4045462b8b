//! Checks the alerts with promtool, and the provisioning files of Grafana against its documentation.

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
    run.check_output(promtool(&["check", "rules", "rules.yml"])).await?;
    let tested = run.output(promtool(&["test", "rules", "tests.yml"])).await?;
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

/// The data of a `ConfigMap` for monitoring.
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

/// The fields that <https://grafana.com/docs/grafana/latest/administration/provisioning/> documents, with `!` before
/// required ones.
const PROVISIONING_FIELDS: &[(&str, &str, &[&str])] = &[
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

/// Compares the provisioning files with the documentation. Grafana itself is not run, since no package has it.
pub async fn grafana(run: &StepRun<'_>) -> Result<Outcome> {
    let helm = find!(run, HELM_3);
    let files = config(run, &helm, "grafana-config.yaml", &[]).await?;
    for (name, list, fields) in PROVISIONING_FIELDS {
        let file = files.get(*name).with_context(|| format!("there is no {name}"))?;
        check_provisioning(&serde_saphyr::from_str(file)?, list, fields).with_context(|| format!("{name}:\n{file}"))?;
    }
    let datasources: Value = serde_saphyr::from_str(&files["datasources.yaml"])?;
    ensure!(datasources["datasources"][0]["isDefault"] == true, "dashboards would have no data source to begin with");
    Ok(Outcome::Ran(Counts::passed(PROVISIONING_FIELDS.len() as u64)))
}

fn check_provisioning(file: &Value, list: &str, fields: &[&str]) -> Result<()> {
    ensure!(file["apiVersion"] == 1, "apiVersion must be 1");
    let keys: Vec<&String> = file.as_object().context("no mapping")?.keys().collect();
    ensure!(keys.len() == 2, "apiVersion and {list} are wanted, and nothing else: {keys:?}");
    let entries = file[list].as_array().filter(|entries| !entries.is_empty()).with_context(|| format!("no {list}"))?;
    for entry in entries.iter().map(|entry| entry.as_object().context("no mapping")) {
        let entry = entry?;
        for key in entry.keys() {
            ensure!(fields.iter().any(|field| field.trim_start_matches('!') == key), "{key} is not documented");
        }
        for required in fields.iter().filter_map(|field| field.strip_prefix('!')) {
            ensure!(entry.contains_key(required), "{required} is missing");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_or_a_missing_required_field_is_refused() {
        let check = |entry: Value| {
            check_provisioning(&json!({ "apiVersion": 1, "providers": [entry] }), "providers", PROVISIONING_FIELDS[1].2)
        };
        check(json!({ "name": "todo", "type": "file", "options": {} })).unwrap();
        let unknown = json!({ "name": "todo", "type": "file", "options": {}, "ordId": 1 });
        assert!(check(unknown).unwrap_err().to_string().contains("ordId"));
        assert!(check(json!({ "name": "todo", "type": "file" })).unwrap_err().to_string().contains("options"));
    }
}
