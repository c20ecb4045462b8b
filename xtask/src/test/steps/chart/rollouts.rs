//! Checks which changes of values replace pods: those of something that the pods read.

use anyhow::{Result, ensure};

use super::{HELM_3, HELM_4, find, render};
use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
};

/// With these values the chart generates no random secret, so that two renderings can be compared.
const FIXED_VALUES: &str = "postgres.enabled=false,secrets.databaseUrl=postgres://todo:todo@db.example/todo,\
                     secrets.secretKey=a key of exactly 32 characters..";

/// A change of a value, whether it replaces the backend's pods, and whether it replaces the frontend's.
const CHANGES: &[(&str, bool, bool)] = &[
    ("config.logLevel=debug", true, true),
    ("config.shutdownDrainSeconds=7", true, true),
    ("config.corsOrigins={https://a.example}", true, true),
    ("secrets.openaiApiKey=sk-1", true, false),
    ("secrets.databaseUrl=postgres://todo:todo@other.example/todo", true, false),
    ("secrets.secretKey=another key of just 32 characters", true, false),
    ("backend.image.tag=next", true, false),
    ("frontend.resources.limits.memory=1Gi", false, true),
    ("backend.replicas=3", true, false),
    ("backend.service.type=NodePort", false, false),
    ("backend.pdb.enabled=false", false, false),
    ("ingress.enabled=true", false, false),
    ("ingress.host=todo.example", true, true),
    ("networkPolicy.enabled=false", false, false),
    ("frontend.service.annotations.team=tasks", false, false),
];

pub async fn rollouts(run: &StepRun<'_>) -> Result<Outcome> {
    let programs = (find!(run, HELM_3), find!(run, HELM_4));
    let before = render(run, &programs.0, &["--set", FIXED_VALUES]).await?;
    let same = render(run, &programs.1, &["--set", FIXED_VALUES]).await?;
    ensure!(lines(&before) == lines(&same), "Helm 3 and Helm 4 render different manifests");
    for (change, backend, frontend) in CHANGES {
        let after = render(run, &programs.0, &["--set", FIXED_VALUES, "--set", change]).await?;
        for (deployment, expected) in [("backend", *backend), ("frontend", *frontend)] {
            let replaced = pod_template(&before, deployment) != pod_template(&after, deployment);
            ensure!(
                replaced == expected,
                "{change}: the {deployment}'s pods are {}replaced",
                if replaced { "" } else { "not " }
            );
        }
    }
    Ok(Outcome::Ran(Counts::passed(CHANGES.len() as u64 + 1)))
}

/// The pod template of a Deployment, whose change replaces the pods.
fn pod_template<'a>(manifests: &'a str, deployment: &str) -> &'a str {
    let source = format!("# Source: todo/templates/{deployment}.yaml");
    let object = manifests.split("\n---").find(|object| object.contains(&source)).unwrap_or_default();
    object.split_once("\n  template:").map_or("", |(_, template)| template)
}

/// The lines that are not empty, since Helm 3 and Helm 4 differ in empty lines.
fn lines(manifests: &str) -> Vec<&str> {
    manifests.lines().filter(|line| !line.is_empty()).collect()
}
