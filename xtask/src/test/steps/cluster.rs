//! The tests of `e2e`: of the images, and on a real cluster. They use the Minikube of this machine, else a box.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use todo::{
    boxes, stack,
    tool::{self, on_path},
};
use tokio::process::Command;

use crate::test::{
    context::{Outcome, StepRun},
    tools,
};

/// The name of the box for tests, so that a developer's box is not used.
const BOX_NAME: &str = "e2e";
/// The address of the Ingress controller in the box, and its class.
const INGRESS: [(&str, &str); 2] =
    [("TODO_E2E_INGRESS", "http://127.0.0.1:8080"), ("TODO_E2E_INGRESS_CLASS", "traefik")];

/// Tests the images that the Dockerfiles make. A box keeps what it has built for the step `cluster`.
pub async fn images(run: &StepRun<'_>) -> Result<Outcome> {
    let machine = match Machine::find(run).await? {
        Ok(machine) => machine,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let nextest = tools::cargo_nextest(run).await?;
    // The test is compiled outside of the box, which reaches no registry.
    compile(run, "images").await?;
    machine.up(run, &["box"]).await?;
    let mut images = machine.command(run, &nextest);
    images.args(["nextest", "run", "--offline", "--workspace", "--test", "images", "--no-capture"]);
    let outcome = run.run_nextest("images", images).await;
    machine.down(run).await?;
    print_measurements(run)?;
    outcome
}

pub async fn cluster(run: &StepRun<'_>) -> Result<Outcome> {
    let machine = match Machine::find(run).await? {
        Ok(machine) => machine,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let chromium = match tools::chromium(run).await? {
        Ok(chromium) => chromium,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    run.context.packages().await?;
    let cluster = compile(run, "cluster").await?;
    let todo = run.todo().await?.to_owned();
    machine.up(run, &[]).await?;
    let mut cluster = machine.command(run, &cluster);
    cluster.args(["--color", "never", "--nocapture"]).env("TODO_E2E_REPORT", run.reports().join("cluster.xml"));
    cluster.env("CHROMIUM_PATH", chromium).env("TODO_E2E_PROGRAM", todo);
    let outcome = run.run_tests(cluster).await;
    machine.down(run).await?;
    print_measurements(run)?;
    outcome
}

/// Prints the rows of the tables in the step's log.
fn print_measurements(run: &StepRun<'_>) -> Result<()> {
    let log = std::fs::read_to_string(run.log_path())?;
    for row in log.lines().filter(|line| line.contains(" | ")) {
        anstream::println!("{row}");
    }
    Ok(())
}

/// Compiles a test target, and returns the path of its program.
async fn compile(run: &StepRun<'_>, test: &str) -> Result<PathBuf> {
    let cargo = |options: &[&str]| {
        let mut cargo = stack::cargo(run.workspace());
        cargo.args(["test", "--workspace", "--test", test, "--no-run"]).args(options);
        cargo
    };
    run.check_output(cargo(&[])).await?;
    // This compiles nothing more. Its output would hide the progress of the first call.
    let messages = tool::text(cargo(&["--message-format=json"])).await?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == test).then_some(message["executable"].as_str()?.into())
    });
    programs.next_back().with_context(|| format!("cargo made no program of the test {test}"))
}

/// The machine from which the cluster can be reached.
enum Machine {
    Local,
    Box,
}

impl Machine {
    async fn find(run: &StepRun<'_>) -> Result<Result<Self, String>> {
        if std::env::var_os("TODO_E2E_CONTEXT").is_some() {
            return Ok(Ok(Self::Local));
        }
        if on_path("minikube").is_some() {
            let mut status = Command::new("minikube");
            status.arg("status");
            if run.output(status).await?.status.success() {
                return Ok(Ok(Self::Local));
            }
        }
        let why_not = |reason| format!("no Minikube runs (`minikube start`), and {reason}");
        Ok(boxes::possible(run.workspace()).map(|()| Self::Box).map_err(why_not))
    }

    async fn up(&self, run: &StepRun<'_>, options: &[&str]) -> Result<()> {
        match self {
            Self::Local => Ok(()),
            Self::Box => {
                let mut up = script(run, "up");
                up.args(options);
                run.check_output(up).await.map(drop)
            }
        }
    }

    fn command(&self, run: &StepRun<'_>, program: &Path) -> Command {
        match self {
            Self::Local => {
                let mut command = Command::new(program);
                command.current_dir(run.workspace().root());
                command
            }
            Self::Box => {
                let mut inside = script(run, "in");
                inside.arg(program).envs(INGRESS);
                inside
            }
        }
    }

    async fn down(&self, run: &StepRun<'_>) -> Result<()> {
        match self {
            Self::Local => Ok(()),
            Self::Box => run.check_output(script(run, "down")).await.map(drop),
        }
    }
}

/// The command of a script of the box. The box publishes no ports, since the tests run inside of it.
fn script(run: &StepRun<'_>, name: &str) -> Command {
    let mut script = Command::new(run.workspace().path("e2e/box").join(name));
    script.env("BOX_NAME", BOX_NAME).env("BOX_PORTS", "").current_dir(run.workspace().root());
    script
}
