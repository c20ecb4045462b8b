//! Steps that need only the Rust code.

use anyhow::{Result, bail, ensure};
use todo::stack;
use tokio::process::Command;

use crate::{
    prepare::queries,
    test::{
        commands,
        context::{Outcome, StepRun},
        counts::Counts,
        tools,
    },
};

fn cargo(run: &StepRun<'_>, arguments: &[&str]) -> Command {
    let mut cargo = stack::cargo(run.workspace());
    cargo.args(arguments);
    cargo
}

pub async fn rustfmt(run: &StepRun<'_>) -> Result<Outcome> {
    run.check_output(cargo(run, &["fmt", "--all", "--check"])).await?;
    Ok(Outcome::passed())
}

pub async fn clippy(run: &StepRun<'_>) -> Result<Outcome> {
    run.check_output(cargo(run, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])).await?;
    Ok(Outcome::passed())
}

pub async fn docs(run: &StepRun<'_>) -> Result<Outcome> {
    let mut doc = cargo(run, &["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run.check_output(doc).await?;
    run.check_output(cargo(run, &["test", "--workspace", "--doc"])).await?;
    Ok(Outcome::passed())
}

pub async fn deny(run: &StepRun<'_>) -> Result<Outcome> {
    let mut deny = Command::new(tools::cargo_deny(run).await?);
    deny.args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]).current_dir(run.workspace().root());
    run.check_output(deny).await?;
    Ok(Outcome::passed())
}

pub async fn advisories(run: &StepRun<'_>) -> Result<Outcome> {
    let mut deny = Command::new(tools::cargo_deny(run).await?);
    // git must fail instead of asking for a user name, since there is no terminal.
    deny.args(["check", "--hide-inclusion-graph", "advisories"])
        .current_dir(run.workspace().root())
        .env("GIT_TERMINAL_PROMPT", "0");
    let finished = run.output(deny).await?;
    if finished.output.contains("failed to fetch advisory database") {
        return Ok(Outcome::Skipped("the advisory database on GitHub is out of reach".into()));
    }
    ensure!(finished.status.success(), "cargo-deny found an advisory");
    Ok(Outcome::passed())
}

pub async fn sqlx(run: &StepRun<'_>) -> Result<Outcome> {
    let fresh = tempfile::tempdir()?;
    let databases = run.context.databases().await?;
    queries::describe(run.workspace(), databases, fresh.path(), async |command| {
        run.check_output(command).await.map(drop)
    })
    .await?;
    let differences = queries::differences(fresh.path(), run.workspace())?;
    if !differences.is_empty() {
        bail!("{} is stale: run `cargo xtask prepare` and commit it\n{}", queries::COMMITTED, differences.join("\n"));
    }
    Ok(Outcome::passed())
}

pub async fn cli(run: &StepRun<'_>) -> Result<Outcome> {
    nextest(run, "todo", None).await
}

pub async fn xtask(run: &StepRun<'_>) -> Result<Outcome> {
    nextest(run, "xtask", None).await
}

pub async fn backend(run: &StepRun<'_>) -> Result<Outcome> {
    let database = run.context.databases().await?.administration();
    nextest(run, "todo-backend", Some(&database)).await
}

pub async fn llm(run: &StepRun<'_>) -> Result<Outcome> {
    nextest(run, "todo-llm", None).await
}

/// Runs the tests of a package. All tests of the workspace are compiled together, since cargo would compile
/// dependencies again with the features of one package.
async fn nextest(run: &StepRun<'_>, package: &str, database: Option<&str>) -> Result<Outcome> {
    let mut nextest = Command::new(tools::cargo_nextest(run).await?);
    nextest.args(["nextest", "run", "--workspace", "--filterset", &format!("package(={package})")]);
    nextest.current_dir(run.workspace().root()).env("SQLX_OFFLINE", "true");
    if let Some(url) = database {
        nextest.env("DATABASE_URL", url);
    }
    run.run_nextest("default", nextest).await
}

pub async fn shell(run: &StepRun<'_>) -> Result<Outcome> {
    let mut git = Command::new("git");
    git.args(["grep", "--files-with-matches", "-E", r"^#!.*\b(ba)?sh\b"]).current_dir(run.workspace().root());
    let scripts = run.output(git).await?.output;
    ensure!(!scripts.is_empty(), "git finds no shell script, not even .ci/run");
    let shellcheck = match tools::shellcheck(run).await? {
        Ok(shellcheck) => shellcheck,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let mut shellcheck = Command::new(shellcheck);
    // Files that a script sources from its directory are checked with the script.
    shellcheck.args(["--external-sources", "--source-path=SCRIPTDIR"]);
    shellcheck.args(scripts.lines()).current_dir(run.workspace().root());
    run.check_output(shellcheck).await?;
    Ok(Outcome::Ran(Counts::passed(scripts.lines().count() as u64)))
}

pub async fn commands(run: &StepRun<'_>) -> Result<Outcome> {
    let (known, not_run) = commands::check(run.workspace())?;
    let skipped = not_run.into_iter().map(str::to_owned).collect();
    Ok(Outcome::Ran(Counts { passed: known, skipped, ..Counts::default() }))
}
