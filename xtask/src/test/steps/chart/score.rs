//! The findings of kube-score, and the exceptions with their reasons.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

/// The name of a check, the end of the name of an object for which it may fail, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("container-image-pull-policy", "", "a local cluster's images are on its node and in no registry"),
    ("deployment-replicas", "", "one pod each by default, so that the application fits a laptop"),
    ("deployment-has-host-podantiaffinity", "", "topologySpreadConstraints do it, and still let two pods share a node"),
    ("pod-probes-identical", "todo-frontend", "pages are served, and say what is wrong, while the backend is away"),
    ("pod-probes-identical", "todo-postgres", "it is alive when it accepts connections; the thresholds differ"),
    ("service-type", "todo-frontend", "`minikube service` needs a port of the node"),
    ("container-security-context-user-group-id", "todo-postgres", "the official image's user is 999"),
    ("container-security-context-user-group-id", "todo-grafana", "the official image's user is 472"),
    ("statefulset-has-servicename", "todo-prometheus", "not headless, as any other Service"),
    (
        "statefulset-has-servicename",
        "todo-postgres",
        "not headless: connections to one address fail at once, names are cached",
    ),
];

/// The findings of several sets of values.
#[derive(Debug, Default)]
pub struct Findings {
    pub objects: u64,
    pub open: Vec<String>,
    used: BTreeSet<usize>,
}

impl Findings {
    /// Reads kube-score's JSON.
    pub fn add(&mut self, set: &str, report: &str) -> Result<()> {
        let objects: Vec<Value> = serde_json::from_str(report).context("kube-score wrote no JSON")?;
        self.objects += objects.len() as u64;
        for object in &objects {
            let name = object["object_name"].as_str().unwrap_or_default();
            for check in object["checks"].as_array().into_iter().flatten() {
                // The grades are 10 (ok), 7 (almost ok), 5 (warning) and 1 (critical).
                if check["skipped"] == true || check["grade"].as_u64() >= Some(7) {
                    continue;
                }
                let id = check["check"]["id"].as_str().unwrap_or_default();
                let exception = EXCEPTIONS.iter().position(|(check, end, _)| *check == id && name.ends_with(end));
                if let Some(exception) = exception {
                    self.used.insert(exception);
                } else {
                    let comments = check["comments"].as_array().into_iter().flatten();
                    let comments: Vec<_> = comments.filter_map(|comment| comment["summary"].as_str()).collect();
                    self.open.push(format!("{set}: {name}: {id}: {}", comments.join("; ")));
                }
            }
        }
        Ok(())
    }

    /// The exceptions that no finding has used.
    pub fn unused(&self) -> Vec<String> {
        let unused = EXCEPTIONS.iter().enumerate().filter(|(index, _)| !self.used.contains(index));
        unused
            .map(|(_, (check, end, _))| format!("nothing fails {check} {end} any more: remove the exception"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(object: &str, check: &str, grade: u64) -> String {
        let checks = serde_json::json!([{ "check": { "id": check }, "grade": grade, "skipped": false }]);
        serde_json::json!([{ "object_name": object, "checks": checks }]).to_string()
    }

    #[test]
    fn a_finding_without_an_exception_stays_open() {
        let mut findings = Findings::default();
        findings.add("defaults", &report("Deployment/apps/v1/x/todo-backend", "pod-probes-identical", 1)).unwrap();
        findings.add("defaults", &report("Deployment/apps/v1/x/todo-frontend", "pod-probes-identical", 1)).unwrap();
        findings.add("defaults", &report("Deployment/apps/v1/x/todo-backend", "container-resources", 10)).unwrap();
        assert_eq!(findings.objects, 3);
        assert_eq!(findings.open.len(), 1, "{:?}", findings.open);
        assert!(findings.open[0].contains("todo-backend: pod-probes-identical"), "{:?}", findings.open);
    }

    #[test]
    fn an_unused_exception_is_reported() {
        let mut findings = Findings::default();
        assert_eq!(findings.unused().len(), EXCEPTIONS.len());
        findings.add("defaults", &report("Deployment/apps/v1/x/todo-frontend", "pod-probes-identical", 1)).unwrap();
        assert_eq!(findings.unused().len(), EXCEPTIONS.len() - 1);
    }
}
