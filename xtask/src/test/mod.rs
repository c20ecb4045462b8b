//! `cargo xtask test` runs the tests of this repository as named steps.
//!
//! `steps` is the table of steps. The steps of one `Lane` run one after the other. The lanes `Rust` and
//! `Frontend` run at the same time, since one alone leaves a core idle. The steps of the last lane run alone.

mod commands;
mod context;
mod counts;
#[cfg(test)]
mod kagent;
mod skips;
mod steps;
mod summary;
mod tools;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use todo::{output::note, process, workspace::Workspace};

use self::{
    context::{Context, Outcome, StepRun},
    counts::Counts,
    skips::AllowedSkips,
    steps::{Lane, STEPS, Step},
    summary::{Report, Verdict},
};

/// Run everything this repository tests, or the steps named
#[derive(Args, Clone, Debug)]
pub struct Test {
    /// Steps to run: a name, or the beginning of several
    steps: Vec<String>,
    /// List the steps instead
    #[arg(long)]
    list: bool,
    /// Show every line the steps print
    #[arg(long, short)]
    verbose: bool,
}

pub async fn run(options: Test) -> Result<()> {
    let selected = select(&options.steps)?;
    if options.list {
        for step in selected {
            anstream::println!("{:<14} {}", step.name, step.about);
        }
        return Ok(());
    }
    let workspace = Workspace::find()?;
    let _lock = workspace.lock("xtask", "test")?;
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let allowed = AllowedSkips::read(&workspace, ci)?;
    let context = Context::new(workspace, options.verbose);
    let reports = tokio::select! {
        reports = run_all(&context, &selected, &allowed) => reports,
        outcome = process::interrupted() => {
            outcome?;
            bail!("interrupted");
        }
    };
    drop(context);
    summary::print(&reports);
    if reports.iter().any(|report| report.verdict == Verdict::Failed) {
        // The summary has shown the reasons.
        std::process::exit(1);
    }
    Ok(())
}

/// The steps with these names or prefixes, in the order of the table. Without names, all steps.
fn select(names: &[String]) -> Result<Vec<&'static Step>> {
    let matches = |step: &Step, name: &String| {
        let exact = STEPS.iter().any(|other| other.name == name);
        if exact { step.name == name } else { step.name.starts_with(name.as_str()) }
    };
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| matches(step, name))) {
        bail!("there is no step `{unknown}`: `cargo xtask test --list` shows those there are");
    }
    Ok(STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| matches(step, name))).collect())
}

async fn run_all(context: &Context, steps: &[&'static Step], allowed: &AllowedSkips) -> Vec<Report> {
    let lane = |lane: Lane| async move {
        let mut reports = Vec::new();
        for step in steps.iter().filter(|step| step.lane == lane) {
            reports.push(run_step(context, step, allowed).await);
        }
        reports
    };
    let (mut reports, frontend) = tokio::join!(lane(Lane::Rust), lane(Lane::Frontend));
    reports.extend(frontend);
    reports.extend(lane(Lane::Exclusive).await);
    reports
}

async fn run_step(context: &Context, step: &'static Step, allowed: &AllowedSkips) -> Report {
    let start = Instant::now();
    let run = match StepRun::new(context, step.name) {
        Ok(run) => run,
        Err(error) => return Report::failed(step.name, start.elapsed(), format!("{error:#}")),
    };
    run.report("starts");
    let (verdict, counts, reason) = match (step.run)(&run).await {
        Ok(Outcome::Ran(counts)) if counts.failed > 0 => {
            let reason = format!("{} failed: {}", counts.failed, counts.failures.join(", "));
            (Verdict::Failed, counts, reason.trim_end_matches(": ").to_owned())
        }
        Ok(Outcome::Ran(counts)) if !counts.skipped.is_empty() => {
            let is_allowed = |test: &String| allowed.allows(&format!("{}/{test}", step.name));
            let verdict = if counts.skipped.iter().all(is_allowed) { Verdict::Passed } else { Verdict::Failed };
            let reason = format!("skipped: {}", counts.skipped.join(", "));
            (verdict, counts, reason)
        }
        Ok(Outcome::Ran(counts)) => (Verdict::Passed, counts, String::new()),
        Ok(Outcome::Skipped(reason)) if allowed.allows(step.name) => {
            let counts = Counts { skipped: vec![step.name.to_owned()], ..Counts::default() };
            (Verdict::Skipped, counts, reason)
        }
        Ok(Outcome::Skipped(reason)) => {
            let reason = format!("skipped, which {} does not allow: {reason}", skips::FILE);
            (Verdict::Failed, Counts::failed(1), reason)
        }
        Err(error) => (Verdict::Failed, Counts::failed(1), format!("{error:#}")),
    };
    let report = Report { name: step.name, verdict, counts, elapsed: start.elapsed(), reason };
    if verdict == Verdict::Failed {
        run.report("failed; the end of its log:");
        anstream::println!("{}", run.log_tail(60));
        note(&format!("the whole log: {}", run.log_path().display()));
    }
    run.report(&report.line());
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Vec<&'static str> {
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        select(&wanted).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn steps_are_selected_by_name_or_prefix() {
        assert_eq!(names(&[]).len(), STEPS.len());
        assert_eq!(names(&["clippy", "rustfmt"]), ["rustfmt", "clippy"]);
        // A complete name selects only that step, although it is a prefix of others.
        assert_eq!(names(&["frontend"]), ["frontend"]);
        assert!(names(&["frontend-"]).len() > 1);
    }

    #[test]
    fn an_unknown_step_is_refused() {
        let message = select(&["nonsense".to_owned()]).err().unwrap().to_string();
        assert!(message.contains("nonsense") && message.contains("--list"), "{message}");
    }
}
