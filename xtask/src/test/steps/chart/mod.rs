//! Checks of the chart that need no cluster.

mod docs;
mod rollouts;
mod rules;
mod score;
mod tools;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use todo::{tool, workspace::Workspace};
use tokio::process::Command;

use self::tools::{
    GATEWAY_API, HELM_4, HELM_UNITTEST, KUBE_SCORE, KUBECONFORM, KUBERNETES, MANIFESTS, PROMETHEUS_OPERATOR, go_module,
};
use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
};

pub use self::{
    docs::docs,
    rollouts::rollouts,
    rules::{grafana, rules, write_config},
    tools::HELM_3,
};

const CHART: &str = "helm/todo";
/// The version for which charts are rendered, as `helm/tools/kubernetes` pins it.
const KUBERNETES_VERSION: &str = "v1.34.4";

/// Every documented set of values, by name.
const VALUE_SETS: &[(&str, &[&str])] = &[
    ("defaults", &[]),
    ("minikube", &["--values", "helm/todo/values-minikube.yaml"]),
    ("production", &["--values", "helm/todo/values-production.yaml"]),
    (
        "external database",
        &["--set", "postgres.enabled=false,secrets.databaseUrl=postgres://todo:todo@db.example/todo"],
    ),
    ("a Secret of one's own", &["--set", "secrets.existingSecret=mine"]),
    ("two pods behind an Ingress", &["--set", "backend.replicas=2,frontend.replicas=2,ingress.enabled=true"]),
    ("Gateway API", &["--set", "httpRoute.enabled=true,httpRoute.parentRefs[0].name=public"]),
    ("monitoring", &["--values", "helm/todo/values-minikube.yaml", "--set", "monitoring.enabled=true"]),
    ("kagent", &["--values", "docs/examples/kagent/todo-values.yaml"]),
    (
        "monitoring on a volume, and for an operator",
        &[
            "--set",
            "monitoring.enabled=true,monitoring.prometheus.storage.enabled=true,monitoring.serviceMonitor.enabled=true,\
             monitoring.prometheusRule.enabled=true,monitoring.dashboards.enabled=true,\
             monitoring.dashboards.namespace=grafana",
        ],
    ),
];

/// Returns the path of a tool, or ends the step as skipped.
macro_rules! find {
    ($run:expr, $tool:expr) => {
        match $tool.find($run).await? {
            Ok(program) => program,
            Err(reason) => return Ok(Outcome::Skipped(reason)),
        }
    };
}
use find;

fn helm(program: &Path, workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut helm = Command::new(program);
    helm.args(arguments).current_dir(workspace.root());
    helm
}

/// The manifests that the chart renders with a set of values.
async fn render(run: &StepRun<'_>, program: &Path, values: &[&str]) -> Result<String> {
    let mut template =
        helm(program, run.workspace(), &["template", "todo", CHART, "--kube-version", KUBERNETES_VERSION]);
    template.args(values);
    tool::text(template).await
}

pub async fn lint(run: &StepRun<'_>) -> Result<Outcome> {
    let mut passed = 0;
    for tool in [HELM_3, HELM_4] {
        let program = find!(run, tool);
        for (_, values) in VALUE_SETS {
            let mut lint =
                helm(&program, run.workspace(), &["lint", "--strict", CHART, "--kube-version", KUBERNETES_VERSION]);
            lint.args(*values);
            run.check_output(lint).await?;
            passed += 1;
        }
    }
    Ok(Outcome::Ran(Counts::passed(passed)))
}

pub async fn unit(run: &StepRun<'_>) -> Result<Outcome> {
    let mut unittest = Command::new(find!(run, HELM_UNITTEST));
    unittest.args(["--strict", CHART, "--output-type", "JUnit", "--output-file"]);
    unittest.arg(run.reports().join("helm-unittest.xml")).current_dir(run.workspace().root());
    run.run_tests(unittest).await
}

/// Checks the manifests against the complete schemas of Kubernetes, the Gateway API and Prometheus's operator.
pub async fn schemas(run: &StepRun<'_>) -> Result<Outcome> {
    let (helm, kubeconform, manifests) = (find!(run, HELM_3), find!(run, KUBECONFORM), find!(run, MANIFESTS));
    let scratch = tempfile::tempdir()?;
    let (kubernetes, version) = go_module(run, KUBERNETES, "k8s.io/kubernetes").await?;
    ensure!(version == KUBERNETES_VERSION, "{KUBERNETES} pins {version}: write it into KUBERNETES_VERSION");
    let (gateway_api, _) = go_module(run, GATEWAY_API, "sigs.k8s.io/gateway-api").await?;
    let mut schemas = Command::new(manifests);
    schemas.arg("schemas").arg(scratch.path()).arg(kubernetes.join("api/openapi-spec/swagger.json"));
    schemas.arg(gateway_api.join("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"));
    let (operator, _) =
        go_module(run, PROMETHEUS_OPERATOR, "github.com/prometheus-operator/prometheus-operator").await?;
    for kind in ["prometheusrules", "servicemonitors"] {
        schemas.arg(operator.join(format!("example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml")));
    }
    run.check_output(schemas).await?;

    for (name, values) in VALUE_SETS {
        let file = write_manifests(run, &helm, scratch.path(), values).await?;
        let mut check = Command::new(&kubeconform);
        let location = format!("{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", scratch.path().display());
        check.args(["-strict", "-summary", "-schema-location", &location]).arg(&file);
        let finished = run.output(check).await?;
        ensure!(finished.status.success(), "{name}: kubeconform refuses it:\n{}", finished.output.trim());
    }
    Ok(Outcome::Ran(Counts::passed(VALUE_SETS.len() as u64)))
}

/// Checks the pods with the same library by which the API server admits pods.
pub async fn pod_security(run: &StepRun<'_>) -> Result<Outcome> {
    let (helm, manifests) = (find!(run, HELM_3), find!(run, MANIFESTS));
    let scratch = tempfile::tempdir()?;
    for (name, values) in VALUE_SETS {
        let file = write_manifests(run, &helm, scratch.path(), values).await?;
        let mut check = Command::new(&manifests);
        check.arg("pod-security").arg(&file);
        let finished = run.output(check).await?;
        ensure!(
            finished.status.success(),
            "{name}: Pod Security \"restricted\" refuses it:\n{}",
            finished.output.trim()
        );
    }
    Ok(Outcome::Ran(Counts::passed(VALUE_SETS.len() as u64)))
}

pub async fn score(run: &StepRun<'_>) -> Result<Outcome> {
    let (helm, kube_score) = (find!(run, HELM_3), find!(run, KUBE_SCORE));
    let scratch = tempfile::tempdir()?;
    let mut findings = score::Findings::default();
    for (name, values) in VALUE_SETS {
        let file = write_manifests(run, &helm, scratch.path(), values).await?;
        let mut check = Command::new(&kube_score);
        check.args(["score", "--output-format=json", "--kubernetes-version=v1.34"]);
        // A CPU limit slows answers down while the node is idle.
        check.arg("--ignore-container-cpu-limit").arg(&file);
        // kube-score also fails for findings that are exceptions, so its exit status is ignored.
        findings.add(name, &String::from_utf8_lossy(&tool::output(check).await?.stdout))?;
    }
    let open = [findings.open.clone(), findings.unused()].concat();
    for finding in &open {
        run.report(finding);
    }
    ensure!(
        open.is_empty(),
        "{} findings; reasons for exceptions are in xtask/src/test/steps/chart/score.rs",
        open.len()
    );
    Ok(Outcome::Ran(Counts::passed(findings.objects)))
}

async fn write_manifests(run: &StepRun<'_>, helm: &Path, scratch: &Path, values: &[&str]) -> Result<PathBuf> {
    let file = scratch.join("manifests.yaml");
    std::fs::write(&file, render(run, helm, values).await?)?;
    Ok(file)
}
