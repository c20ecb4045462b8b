//! `cargo todo prepare`: generated files that are committed, made anew.

use std::{collections::BTreeMap, io::ErrorKind, path::Path};

use anyhow::{Context, Result, ensure};
use clap::Args;
use sqlx::{Connection, PgConnection, migrate::Migrator};
use tokio::process::Command;

use crate::{database::Databases, node, output::note, process::Program, stack, workspace::Workspace};

/// What `query!` and its like read where no database is at hand.
pub const QUERIES: &str = "backend/.sqlx";
/// The API's types, from the backend's OpenAPI document; below `frontend`.
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
    for command in describe_queries(&workspace, &migrated_database(&databases, &workspace).await?, &fresh)? {
        Program::run(command).await?;
    }
    let committed = workspace.path(QUERIES);
    let differences = differences(&fresh, &committed)?;
    replace(&fresh, &committed)?;
    note(&format!("{QUERIES}: {} files changed", differences.len()));

    let binary = stack::build_backend(&workspace, false).await?;
    let document = scratch.path().join("openapi.json");
    write_openapi(&binary, &document).await?;
    Program::run(generate_api_types(&workspace, &document, &workspace.path("frontend"))?).await?;
    Ok(())
}

/// The URL of a database with every migration. Not by the backend, which does not compile while `.sqlx` is stale.
pub async fn migrated_database(databases: &Databases, workspace: &Workspace) -> Result<String> {
    let url = databases.empty("todo_prepare").await?;
    let migrations = Migrator::new(workspace.path("backend/migrations")).await?;
    let mut connection = PgConnection::connect(&url).await?;
    migrations.run(&mut connection).await.context("the migrations do not run on an empty database")?;
    connection.close().await?;
    Ok(url)
}

/// Commands that check every query of the backend against the database and write what they learn into a directory.
pub fn describe_queries(workspace: &Workspace, database_url: &str, into: &Path) -> Result<[Command; 2]> {
    std::fs::create_dir_all(into)?;
    // Compiles the macros anew, in a target directory of its own lest the other steps compile anew too.
    let cargo = |arguments: &[&str]| {
        let mut cargo = stack::cargo(workspace);
        cargo.args(arguments).args(["--package", "todo-backend", "--target-dir", "target/sqlx"]);
        cargo.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", into).env("DATABASE_URL", database_url);
        cargo
    };
    Ok([cargo(&["clean"]), cargo(&["check", "--all-targets"])])
}

/// Names of files that are in one directory only or differ.
pub fn differences(fresh: &Path, committed: &Path) -> Result<Vec<String>> {
    let (fresh, committed) = (files(fresh)?, files(committed)?);
    ensure!(!fresh.is_empty(), "no query was described");
    let changed = fresh.iter().filter(|(name, text)| committed.get(*name) != Some(text)).map(|(name, _)| name);
    let gone = committed.keys().filter(|name| !fresh.contains_key(*name));
    Ok(changed.chain(gone).cloned().collect())
}

fn files(directory: &Path) -> Result<BTreeMap<String, String>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.with_context(|| format!("cannot read {}", directory.display()))?,
    };
    entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path())?))
        })
        .collect()
}

fn replace(fresh: &Path, committed: &Path) -> Result<()> {
    for name in files(committed)?.keys() {
        std::fs::remove_file(committed.join(name))?;
    }
    std::fs::create_dir_all(committed)?;
    for (name, text) in files(fresh)? {
        std::fs::write(committed.join(name), text)?;
    }
    Ok(())
}

pub async fn write_openapi(backend: &Path, document: &Path) -> Result<()> {
    let output = Command::new(backend).arg("openapi").output().await?;
    ensure!(output.status.success(), "`todo-backend openapi` failed: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(document, output.stdout)?;
    Ok(())
}

/// Writes the types below `frontend`, which is the frontend's directory or one laid out like it.
pub fn generate_api_types(workspace: &Workspace, document: &Path, frontend: &Path) -> Result<Command> {
    std::fs::create_dir_all(frontend.join(API_TYPES).parent().context("the types are in a directory")?)?;
    let mut generate = Command::new("node");
    generate.arg(workspace.path("frontend/scripts/api-types.mjs")).arg(document).current_dir(frontend);
    Ok(generate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn missing_changed_and_needless_files_are_differences() {
        let fresh = directory(&[("same", "1"), ("changed", "2"), ("new", "3")]);
        let committed = directory(&[("same", "1"), ("changed", "old"), ("gone", "4")]);
        assert_eq!(differences(fresh.path(), committed.path()).unwrap(), ["changed", "new", "gone"]);

        replace(fresh.path(), committed.path()).unwrap();
        assert!(differences(fresh.path(), committed.path()).unwrap().is_empty());
    }

    #[test]
    fn no_query_at_all_is_a_fault() {
        let empty = directory(&[]);
        assert!(differences(empty.path(), &empty.path().join("missing")).is_err());
    }
}
