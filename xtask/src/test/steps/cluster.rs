//! The tests of `e2e`, on a real cluster: the Minikube that runs here, else one in a box of their own.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use todo::{boxes, stack, tool::on_path};
use tokio::process::Command;

use crate::test::{
    context::{Outcome, StepRun},
    counts::Counts,
    tools,
};

/// The box that tests use, so that a developer's is left alone.
const BOX: &str = "e2e";
/// The address of the Ingress controller in the box, and its class.
const INGRESS: [(&str, &str); 2] =
    [("TODO_E2E_INGRESS", "http://127.0.0.1:8080"), ("TODO_E2E_INGRESS_CLASS", "traefik")];

pub async fn cluster(run: &StepRun<'_>) -> Result<Outcome> {
    let place = match Place::find(run).await? {
        Ok(place) => place,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let chromium = match tools::chromium(run).await? {
        Ok(chromium) => chromium,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    run.context.packages().await?;
    let tests = [compile(run, "images").await?, compile(run, "cluster").await?];
    let todo = run.todo().await?.as_os_str().to_owned();
    let environment = [("CHROMIUM_PATH", chromium.into_os_string()), ("TODO_E2E_PROGRAM", todo)];
    place.up(run).await?;
    let mut output = String::new();
    let mut succeeded = true;
    for test in &tests {
        let finished = run.finish(place.command(run, test, &environment)).await?;
        output += &finished.output;
        succeeded &= finished.status.success();
    }
    place.down(run).await?;

    for row in output.lines().filter(|line| line.contains(" | ")) {
        anstream::println!("{row}");
    }
    let counts = Counts::of_cargo_test(&output);
    ensure!(succeeded || counts.failed > 0, "the tests did not run to their end");
    Ok(Outcome::RanBut(counts, skipped(&output)))
}

/// The names of the tests that gave a reason why they cannot run.
fn skipped(output: &str) -> Vec<String> {
    let tests = output.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored"));
    tests.map(|(name, _)| name.trim().to_owned()).collect()
}

/// Compiles a test of the package and returns its program.
async fn compile(run: &StepRun<'_>, test: &str) -> Result<PathBuf> {
    let mut cargo = stack::cargo(run.workspace());
    cargo.args(["test", "--package", "todo-e2e", "--test", test, "--no-run", "--message-format=json"]);
    let messages = run.succeed(cargo).await?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == test).then_some(message["executable"].as_str()?.into())
    });
    programs.next_back().with_context(|| format!("cargo made no program of the test {test}"))
}

/// The machine from which the cluster can be reached.
enum Place {
    Here,
    Box,
}

impl Place {
    async fn find(run: &StepRun<'_>) -> Result<Result<Self, String>> {
        if std::env::var_os("TODO_E2E_CONTEXT").is_some() {
            return Ok(Ok(Self::Here));
        }
        if on_path("minikube").is_some() {
            let mut status = Command::new("minikube");
            status.arg("status");
            if run.finish(status).await?.status.success() {
                return Ok(Ok(Self::Here));
            }
        }
        let why_not = |reason| format!("no Minikube runs (`minikube start`), and {reason}");
        Ok(boxes::possible(run.workspace()).map(|()| Self::Box).map_err(why_not))
    }

    async fn up(&self, run: &StepRun<'_>) -> Result<()> {
        match self {
            Self::Here => Ok(()),
            Self::Box => run.succeed(script(run, "up")).await.map(drop),
        }
    }

    fn command(&self, run: &StepRun<'_>, tests: &Path, environment: &[(&str, OsString)]) -> Command {
        let mut command = match self {
            Self::Here => Command::new(tests),
            Self::Box => {
                let mut inside = script(run, "in");
                inside.arg(tests).envs(INGRESS);
                inside
            }
        };
        command.args(["--color", "never", "--nocapture"]).envs(environment.iter().cloned());
        command
    }

    async fn down(&self, run: &StepRun<'_>) -> Result<()> {
        match self {
            Self::Here => Ok(()),
            Self::Box => run.succeed(script(run, "down")).await.map(drop),
        }
    }
}

/// One of the box's scripts. No port of this box is needed outside of it.
fn script(run: &StepRun<'_>, name: &str) -> Command {
    let mut script = Command::new(run.workspace().path("e2e/box").join(name));
    script.env("BOX_NAME", BOX).env("BOX_PORTS", "").current_dir(run.workspace().root());
    script
}

#[cfg(test)]
mod tests {
    use super::skipped;

    #[test]
    fn skipped_tests_are_named() {
        let output = "
test us1_1_install_with_no_values                 ... ok
test egress_is_refused                            ... ignored, the network enforces nothing
test e1_pending                                   ... FAILED
";
        assert_eq!(skipped(output), ["egress_is_refused"]);
    }
}
