//! `cargo xtask prepare` updates the generated files that are committed.

pub mod queries;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use todo::{database::Databases, node, output::note, process::Program, stack, workspace::Workspace};
use tokio::process::Command;

/// The path below `frontend` of the API types, which are generated from the backend's OpenAPI document.
pub const API_TYPES: &str = "src/lib/api/schema.d.ts";

/// Regenerate backend/.sqlx and the frontend's API types
#[derive(Args, Clone, Debug)]
pub struct Prepare {}

pub async fn run(_: Prepare) -> Result<()> {
    let workspace = Workspace::find()?;
    node::install(&workspace).await?;
    let scratch = tempfile::tempdir()?;

    let databases = Databases::throwaway().await?;
    let fresh = scratch.path().join("sqlx");
    queries::describe(&workspace, &databases, &fresh, Program::run).await?;
    let changed = queries::replace(&fresh, &workspace)?;
    note(&format!("{}: {changed} files changed", queries::COMMITTED));

    let binary = stack::build(&workspace, false, false).await?.backend();
    let document = scratch.path().join("openapi.json");
    write_openapi(&binary, &document).await?;
    Program::run(generate_api_types(&workspace, &document, &workspace.path("frontend"))?).await?;
    Ok(())
}

/// Writes the OpenAPI document of a compiled backend.
pub async fn write_openapi(backend: &Path, document: &Path) -> Result<()> {
    let output = Command::new(backend).arg("openapi").output().await?;
    ensure!(output.status.success(), "`todo-backend openapi` failed: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(document, output.stdout)?;
    Ok(())
}

/// The command that writes the API types below `frontend`, which may be another directory than the frontend's own.
pub fn generate_api_types(workspace: &Workspace, document: &Path, frontend: &Path) -> Result<Command> {
    std::fs::create_dir_all(frontend.join(API_TYPES).parent().context("the types are in a directory")?)?;
    let mut generate = Command::new("node");
    generate.arg(workspace.path("frontend/scripts/api-types.mjs")).arg(document).current_dir(frontend);
    Ok(generate)
}
