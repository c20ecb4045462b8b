//! The descriptions of the queries, which the macros of sqlx read when they are compiled without a database.

use std::{
    collections::{BTreeMap, HashSet},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection, migrate::Migrator};
use todo::{database::Databases, stack, workspace::Workspace};
use tokio::process::Command;

/// The directory from which the macros read the descriptions.
pub const COMMITTED: &str = "backend/.sqlx";

/// Checks every query of the backend against a database with all migrations, and writes the descriptions into a
/// directory. `run` runs the compiler.
///
/// The macros write the descriptions when they are expanded, so the backend has to be compiled again. A different
/// profile compiles it again without its dependencies, and keeps the results of other commands. The profile differs in
/// a number that has no effect on `cargo check`.
pub async fn describe(
    workspace: &Workspace,
    databases: &Databases,
    into: &Path,
    run: impl AsyncFnOnce(Command) -> Result<()>,
) -> Result<()> {
    std::fs::create_dir_all(into)?;
    let database_url = migrated_database(workspace, databases).await?;
    let mut cargo = stack::cargo(workspace);
    let number = 2 + std::process::id() % 250;
    cargo
        .args(["check", "--workspace", "--all-targets"])
        .arg(format!("--config=profile.dev.package.todo-backend.codegen-units={number}"))
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", into)
        .env("DATABASE_URL", database_url)
        .env("CARGO_INCREMENTAL", "0");
    let target = stack::target_directory(workspace).await?.join("debug");
    let before = compiled_files(&target);
    let outcome = run(cargo).await;
    for path in compiled_files(&target).difference(&before) {
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
    outcome
}

/// The files that cargo has created for the backend.
fn compiled_files(target: &Path) -> HashSet<PathBuf> {
    let entries = |directory| std::fs::read_dir(target.join(directory)).into_iter().flatten().flatten();
    let paths = [".fingerprint", "build", "deps"].into_iter().flat_map(entries).map(|entry| entry.path());
    paths.filter(|path| is_of_backend(path)).collect()
}

fn is_of_backend(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
    name.trim_start_matches("lib").starts_with("todo_backend_")
}

/// The URL of a database with all migrations. The backend cannot run them: it does not compile while `.sqlx` is stale.
async fn migrated_database(workspace: &Workspace, databases: &Databases) -> Result<String> {
    let url = databases.empty("todo_prepare").await?;
    let migrations = Migrator::new(workspace.path("backend/migrations")).await?;
    let mut connection = PgConnection::connect(&url).await?;
    migrations.run(&mut connection).await.context("the migrations do not run on an empty database")?;
    connection.close().await?;
    Ok(url)
}

/// The names of files that differ between `fresh` and the committed directory, or exist in only one of them.
pub fn differences(fresh: &Path, workspace: &Workspace) -> Result<Vec<String>> {
    compare(fresh, &workspace.path(COMMITTED))
}

fn compare(fresh: &Path, committed: &Path) -> Result<Vec<String>> {
    let (fresh, committed) = (files(fresh)?, files(committed)?);
    ensure!(!fresh.is_empty(), "no query was described");
    let changed = fresh.iter().filter(|(name, text)| committed.get(*name) != Some(text)).map(|(name, _)| name);
    let removed = committed.keys().filter(|name| !fresh.contains_key(*name));
    Ok(changed.chain(removed).cloned().collect())
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

/// Replaces the committed files by those of `fresh`. Returns the number of changed files.
pub fn replace(fresh: &Path, workspace: &Workspace) -> Result<usize> {
    let committed = workspace.path(COMMITTED);
    let differences = compare(fresh, &committed)?;
    std::fs::create_dir_all(&committed)?;
    let fresh = files(fresh)?;
    for name in &differences {
        match fresh.get(name) {
            Some(text) => std::fs::write(committed.join(name), text)?,
            None => std::fs::remove_file(committed.join(name))?,
        }
    }
    Ok(differences.len())
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
    fn new_changed_and_removed_files_are_differences() {
        let fresh = directory(&[("same", "1"), ("changed", "2"), ("new", "3")]);
        let committed = directory(&[("same", "1"), ("changed", "old"), ("gone", "4")]);
        assert_eq!(compare(fresh.path(), committed.path()).unwrap(), ["changed", "new", "gone"]);
        assert!(compare(fresh.path(), fresh.path()).unwrap().is_empty());
    }

    #[test]
    fn a_directory_without_queries_is_an_error() {
        let empty = directory(&[]);
        assert!(compare(empty.path(), &empty.path().join("missing")).is_err());
    }

    #[test]
    fn the_backend_is_distinguished_from_its_dependencies() {
        for name in ["todo-backend-0123", "libtodo_backend-0123.rmeta", "todo_backend-0123.d"] {
            assert!(is_of_backend(Path::new(name)), "{name}");
        }
        for name in ["todo-0123", "libtokio-0123.rmeta", "todo_backendless"] {
            assert!(!is_of_backend(Path::new(name)), "{name}");
        }
    }
}
