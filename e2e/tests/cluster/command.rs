//! `cargo todo deploy` and its like.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use todo_e2e::{
    program::{self, Output},
    suite::{Skip, Suite},
};

/// The `todo` program, for one namespace.
struct Todo<'a> {
    suite: &'a Suite,
    namespace: String,
    /// Not the directory of the checkout, so that what a developer has deployed from it is left alone.
    state: TempDir,
}

impl Todo<'_> {
    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut todo = self.suite.todo();
        todo.args(arguments).args(["--namespace", &self.namespace]).env("TODO_STATE_DIR", self.state.path());
        program::run(todo).await
    }

    async fn succeed(&self, arguments: &[&str]) -> Result<String> {
        let finished = self.run(arguments).await?;
        ensure!(finished.status.success(), "`cargo todo {}` failed:\n{}", arguments.join(" "), finished.combined());
        Ok(finished.combined())
    }
}

/// This shows US1.2 by port-forward too, and US5.3 and E1 as the user sees them.
pub async fn us1_1_deploy_look_break_and_remove(suite: &Suite) -> Result<()> {
    if suite.cluster.minikube.is_none() {
        return Err(Skip("the program is tested on Minikube; another cluster pulls from a registry".into()).into());
    }
    // Otherwise another test might build the same images at the same time.
    suite.images().await?;
    let namespace = suite.namespace("command", "restricted").await?;
    let todo = Todo { suite, namespace, state: tempfile::tempdir()? };
    let outcome = deploy_to_purge(suite, &todo).await;
    if outcome.is_err() {
        // Otherwise its process in the background would stay.
        todo.run(&["down"]).await?;
    }
    outcome?;
    suite.remove(&todo.namespace).await
}

async fn deploy_to_purge(suite: &Suite, todo: &Todo<'_>) -> Result<()> {
    let start = Instant::now();
    let output = todo.succeed(&["deploy"]).await?;
    suite.report.time("US1.1 cargo todo deploy, first", Duration::from_mins(10), start.elapsed())?;
    let url = url(&output)?;
    let frontend = async || anyhow::Ok(reqwest::get(&url).await?.error_for_status()?.text().await?);
    ensure!(frontend().await?.contains("<html"), "{url} serves no page");

    let start = Instant::now();
    let output = todo.succeed(&["deploy"]).await?;
    let took = start.elapsed();
    ensure!(output.contains("the release is up to date") && output.contains(&url), "{output}");
    suite.report.time("cargo todo deploy with nothing changed", Duration::from_secs(5), took)?;

    let output = todo.succeed(&["status"]).await?;
    ensure!(output.contains("revision 1, deployed") && output.contains(&url), "{output}");
    let output = todo.succeed(&["verify"]).await?;
    // The database's image is pulled, not built.
    for (pod, verdict) in [("todo-backend", "same"), ("todo-frontend", "same"), ("todo-postgres", "not compared")] {
        let mut lines = output.lines().filter(|line| line.starts_with(pod)).peekable();
        ensure!(
            lines.peek().is_some() && lines.all(|line| line.ends_with(verdict)),
            "{pod} is not {verdict}: {output}"
        );
    }
    ensure!(!output.contains("different"), "{output}");

    // No node has as much memory.
    let memory = ["requests", "limits"].map(|kind| format!("--set=backend.resources.{kind}.memory=900Gi"));
    let failed = todo.run(&["deploy", &memory[0], &memory[1]]).await?;
    let output = failed.combined();
    ensure!(failed.status.code() == Some(1) && output.contains("Insufficient memory"), "{output}");
    ensure!(output.contains("the old pods go on serving"), "{output}");
    ensure!(!todo.run(&["status"]).await?.status.success(), "status finds nothing wrong");
    frontend().await.context("the old pods do not serve")?;

    // The command that the message names, word by word.
    let (_, way_back) = output.split_once("To go back: ").context("the message names no command for a rollback")?;
    let mut words = way_back.split_whitespace();
    program::stdout(program::command(words.next().context("a program")?, words)).await?;
    let back = Instant::now();
    while !todo.run(&["status"]).await?.status.success() {
        ensure!(back.elapsed() < Duration::from_mins(1), "not ready within a minute after going back");
    }

    let without_grafana = "--set=monitoring.grafana.enabled=false";
    let start = Instant::now();
    let output = todo.succeed(&["deploy", "--monitoring", without_grafana]).await?;
    suite.report.time("US6.1 cargo todo deploy --monitoring, images there", Duration::from_mins(2), start.elapsed())?;
    let (_, prometheus) = output.split_once("Prometheus is at ").context("Prometheus has no address")?;
    let prometheus = format!("{}/-/ready", self::url(prometheus)?);
    let is_ready = async || anyhow::Ok(reqwest::get(&prometheus).await?.error_for_status()?);
    is_ready().await.with_context(|| format!("{prometheus} does not answer"))?;

    let assistant = todo.state.path().join("assistant").display().to_string();
    todo.succeed(&["ai-kubeconfig", "--file", &assistant]).await?;
    let look = async || program::run(program::command("kubectl", ["--kubeconfig", &assistant, "get", "pods"])).await;
    ensure!(look().await?.status.success(), "{}", look().await?.combined());

    let output = todo.succeed(&["down"]).await?;
    ensure!(output.contains("kept: persistentvolumeclaim/"), "{output}");
    ensure!(output.contains("removed the rights of assistants"), "{output}");
    let looked = look().await?;
    // For a moment the API server remembers whose token it is.
    let refused = ["Forbidden", "Unauthorized"].iter().any(|refusal| looked.stderr.contains(refusal));
    ensure!(!looked.status.success() && refused, "an assistant's rights outlive the release: {}", looked.combined());
    ensure!(frontend().await.is_err() && is_ready().await.is_err(), "{url} or {prometheus} is still forwarded");
    let output = todo.succeed(&["down", "--purge", "--yes"]).await?;
    ensure!(output.contains("removed persistentvolumeclaim/"), "{output}");
    Ok(())
}

fn url(output: &str) -> Result<String> {
    let url = output.split_whitespace().find(|word| word.starts_with("http://localhost:"));
    url.map(str::to_owned).with_context(|| format!("no address is named in:\n{output}"))
}
