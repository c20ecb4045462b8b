//! The paths of a checkout, and of the files that are kept between runs.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// A checkout of this repository, or the parts of one that `nix run` provides.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    state: PathBuf,
}

impl Workspace {
    /// The checkout the current directory is in.
    pub fn find() -> Result<Self> {
        let root = checkout()?.context("call this inside a checkout of the repository")?;
        let state = state_directory().unwrap_or_else(|| root.join(".todo"));
        Ok(Self { root, state })
    }

    /// The same, for what also works outside of one: `nix run` hands over the images and the chart. What it leaves
    /// behind is then kept for the user.
    pub fn find_or_state() -> Result<Self> {
        if checkout()?.is_some() {
            return Self::find();
        }
        let state = state_directory().map_or_else(user_state, Ok)?;
        Ok(Self { root: std::env::current_dir()?, state })
    }

    /// Whether this is a checkout rather than the current directory of `nix run`.
    #[must_use]
    pub fn is_checkout(&self) -> bool {
        is_checkout(&self.root)
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The path of a file that is kept between runs, such as databases, keys and logs. It is below `.todo`, which git
    /// ignores, or below `TODO_STATE_DIR`.
    pub fn state(&self, relative: &str) -> Result<PathBuf> {
        let path = self.state.join(relative);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        Ok(path)
    }

    /// Holds the checkout for `cargo PROGRAM TASK` until the file is dropped. A second call fails and names the process
    /// that holds it.
    pub fn lock(&self, program: &str, task: &str) -> Result<File> {
        let path = self.state(&format!("{task}.lock"))?;
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        if file.try_lock().is_err() {
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            bail!("`cargo {program} {task}` already runs in this checkout, process {}: stop it first", holder.trim());
        }
        std::fs::write(&path, std::process::id().to_string())?;
        Ok(file)
    }
}

fn checkout() -> Result<Option<PathBuf>> {
    let here = std::env::current_dir()?;
    Ok(here.ancestors().find(|path| is_checkout(path)).map(Path::to_owned))
}

fn is_checkout(path: &Path) -> bool {
    path.join("backend/Cargo.toml").is_file() && path.join("frontend").is_dir()
}

fn state_directory() -> Option<PathBuf> {
    std::env::var_os("TODO_STATE_DIR").map(PathBuf::from)
}

fn user_state() -> Result<PathBuf> {
    user_directory("XDG_STATE_HOME", ".local/state")
}

/// Tools and servers that are fetched once per user rather than once per checkout.
pub fn cache_dir() -> Result<PathBuf> {
    user_directory("XDG_CACHE_HOME", ".cache")
}

fn user_directory(variable: &str, default: &str) -> Result<PathBuf> {
    let base = match std::env::var_os(variable) {
        Some(base) if !base.is_empty() => PathBuf::from(base),
        _ => std::env::home_dir().context("HOME is not set")?.join(default),
    };
    Ok(base.join("todo"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_second_holder_of_a_lock_is_refused_with_the_process_that_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let workspace = Workspace { root: path.clone(), state: path };
        let held = workspace.lock("todo", "dev").unwrap();
        let message = workspace.lock("todo", "dev").unwrap_err().to_string();
        assert!(message.contains("already runs in this checkout"), "{message}");
        assert!(message.contains(&std::process::id().to_string()), "{message}");
        drop(held);
        // A program that another test starts at this moment holds the file until it runs.
        let end = Instant::now() + Duration::from_secs(10);
        while let Err(error) = workspace.lock("todo", "dev") {
            assert!(Instant::now() < end, "still held after 10 s: {error}");
            std::thread::yield_now();
        }
    }
}
