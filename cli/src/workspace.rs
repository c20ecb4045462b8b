//! Where things are in a checkout, and where what outlives it is kept.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// A checkout of this repository.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    state: PathBuf,
}

impl Workspace {
    /// The checkout the current directory is in.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir()?;
        let is_root = |path: &&Path| path.join("backend/Cargo.toml").is_file() && path.join("frontend").is_dir();
        let root = here.ancestors().find(is_root).context("call this inside a checkout of the repository")?;
        let state = std::env::var_os("TODO_STATE_DIR").map_or_else(|| root.join(".todo"), PathBuf::from);
        Ok(Self { root: root.to_owned(), state })
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What runs leave behind: databases, keys, logs. In `.todo`, which git ignores, or where `TODO_STATE_DIR` says.
    pub fn state(&self, relative: &str) -> Result<PathBuf> {
        let path = self.state.join(relative);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        Ok(path)
    }

    /// Holds the checkout for `task` until the file is dropped; a second taker is told who has it.
    pub fn lock(&self, task: &str) -> Result<File> {
        let path = self.state(&format!("{task}.lock"))?;
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        if file.try_lock().is_err() {
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            bail!("`cargo todo {task}` already runs in this checkout, process {}: stop it first", holder.trim());
        }
        std::fs::write(&path, std::process::id().to_string())?;
        Ok(file)
    }
}

/// Tools and servers that are fetched once per user rather than once per checkout.
pub fn cache_dir() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(base) if !base.is_empty() => PathBuf::from(base),
        _ => std::env::home_dir().context("HOME is not set")?.join(".cache"),
    };
    Ok(base.join("todo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_of_a_lock_is_told_who_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let workspace = Workspace { root: path.clone(), state: path };
        let held = workspace.lock("dev").unwrap();
        let message = workspace.lock("dev").unwrap_err().to_string();
        assert!(message.contains("already runs in this checkout"), "{message}");
        assert!(message.contains(&std::process::id().to_string()), "{message}");
        drop(held);
        workspace.lock("dev").unwrap();
    }
}
