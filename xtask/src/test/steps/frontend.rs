//! Steps that need only the frontend.

use anyhow::Result;
use todo::{node, stack::npm_run};
use tokio::process::Command;

use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
};

pub async fn lint(run: &StepRun<'_>) -> Result<Outcome> {
    run.context.packages().await?;
    let scripts = ["lint", "typecheck", "knip"];
    for script in scripts {
        run.check_output(npm_run(run.workspace(), script)).await?;
    }
    Ok(Outcome::Ran(Counts::passed(scripts.len() as u64)))
}

pub async fn unit(run: &StepRun<'_>) -> Result<Outcome> {
    run.context.packages().await?;
    vitest(run, "unit").await
}

pub async fn build(run: &StepRun<'_>) -> Result<Outcome> {
    run.frontend().await?;
    Ok(Outcome::passed())
}

pub async fn server(run: &StepRun<'_>) -> Result<Outcome> {
    run.frontend().await?;
    vitest(run, "server").await
}

async fn vitest(run: &StepRun<'_>, project: &str) -> Result<Outcome> {
    let mut vitest = Command::new(node::tool(run.workspace(), "vitest"));
    vitest
        .args(["run", "--project", project, "--reporter=default", "--reporter=junit"])
        .arg(format!("--outputFile.junit={}", run.reports().join("vitest.xml").display()))
        .current_dir(run.workspace().path("frontend"));
    run.run_tests(vitest).await
}

pub async fn bundle_size(run: &StepRun<'_>) -> Result<Outcome> {
    run.frontend().await?;
    run.check_output(npm_run(run.workspace(), "bundle-size")).await?;
    Ok(Outcome::passed())
}
