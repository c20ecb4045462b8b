//! `cargo xtask bench` measures the application next to what PostgreSQL alone can do.
//!
//! `rows` is the table of what is measured. Each row starts what it needs on the `stage`, and gives a section of the
//! document.

mod document;
mod fill;
mod http;
mod latencies;
mod lean;
mod load;
mod machine;
mod measurement;
mod pgbench;
mod plot;
mod processes;
mod rows;
mod section;
mod stage;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use todo::{
    output::{bold, note},
    process,
    workspace::Workspace,
};

use self::{
    document::Document,
    rows::{ROWS, Row},
    stage::Stage,
};

/// Measure the application, next to what PostgreSQL alone can do
///
/// Starts a PostgreSQL of its own with fsync, the release backend and the frontend, all on 127.0.0.1, and runs each row
/// twice. It needs Linux, Node.js, and an installed PostgreSQL with pgbench. It takes half an hour, on a machine that
/// should do nothing else, and leaves nothing behind.
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// Measure fewer sizes for a shorter time: at most three minutes after the builds
    #[arg(long)]
    quick: bool,
    /// Measure only this row; can be repeated
    #[arg(long = "row", value_name = "NAME")]
    rows: Vec<String>,
    /// List the rows instead
    #[arg(long)]
    list: bool,
    /// Write what was measured into docs/performance.md, and draw docs/performance.svg
    #[arg(long)]
    write: bool,
    /// Cargo's profile of the backend
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    /// Measure this `todo-backend`, such as that of another revision, instead of compiling one
    #[arg(long, value_name = "PATH", conflicts_with = "profile")]
    backend: Option<PathBuf>,
}

pub async fn run(options: Bench) -> Result<()> {
    let selected = select(&options.rows)?;
    if options.list {
        for row in selected {
            anstream::println!("{:<10} {}", row.name, row.about);
        }
        return Ok(());
    }
    let workspace = Workspace::find()?;
    let _lock = workspace.lock("xtask", "bench")?;
    tokio::select! {
        outcome = measure(workspace, &options, &selected) => outcome,
        outcome = process::interrupted() => {
            outcome?;
            bail!("interrupted");
        }
    }
}

async fn measure(workspace: Workspace, options: &Bench, rows: &[&'static Row]) -> Result<()> {
    let backend = match &options.backend {
        Some(path) => path.clone(),
        None => stage::build(&workspace, &options.profile).await?,
    };
    let stage = Stage::set_up(workspace, backend, options.quick).await?;
    let machine = machine::describe(&stage.pool).await?;
    note(&machine);
    let mut document = Document::read(&stage.workspace)?;
    document.replace("machine", &machine)?;
    for row in rows {
        note(&format!("measuring {}: {}", row.name, row.about));
        let section = (row.run)(&stage).await.with_context(|| format!("the row `{}` cannot be measured", row.name))?;
        anstream::println!("\n{}\n{}\n", bold(row.about), section.text());
        document.replace(row.name, &section.markdown())?;
        if !section.lines.is_empty() {
            document.plot = Some(plot::draw(&section.lines));
        }
        // What was measured is kept if a later row fails.
        if options.write {
            document.write(&stage.workspace)?;
        }
    }
    Ok(())
}

/// The rows with these names, in the order of the table; without names, all.
fn select(names: &[String]) -> Result<Vec<&'static Row>> {
    if let Some(unknown) = names.iter().find(|name| !ROWS.iter().any(|row| row.name == **name)) {
        bail!("there is no row `{unknown}`: `cargo xtask bench --list` shows those there are");
    }
    Ok(ROWS.iter().filter(|row| names.is_empty() || names.iter().any(|name| row.name == name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_by_name() {
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
            select(&wanted).map(|rows| rows.iter().map(|row| row.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), ROWS.len());
        assert_eq!(names(&["health", "list"]).unwrap(), ["list", "health"]);
        assert!(names(&["nonsense"]).unwrap_err().to_string().contains("--list"));
    }
}
