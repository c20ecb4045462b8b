//! The files of one server: its data directory, and its password and log next to it.

use std::{
    fs::Permissions,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{account::Account, binaries::Binaries};
use crate::secret;

#[derive(Debug)]
pub struct Files {
    data: PathBuf,
}

impl Files {
    pub fn at(data: PathBuf) -> Self {
        Self { data }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn log_path(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn password_path(&self) -> PathBuf {
        self.data.with_extension("password")
    }

    /// The major version of the PostgreSQL that has written the data, if there is any.
    pub fn major(&self) -> Result<Option<u32>> {
        match std::fs::read_to_string(self.data.join("PG_VERSION")) {
            Ok(text) => Ok(Some(text.trim().parse().context("the PG_VERSION file holds no number")?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.data.display())),
        }
    }

    /// Initializes the data directory unless it has data, and returns the superuser's password.
    pub fn initialize(&self, binaries: &Binaries, account: Account, throwaway: bool) -> Result<String> {
        if self.major()?.is_some() {
            return std::fs::read_to_string(self.password_path())
                .with_context(|| format!("cannot read {}", self.password_path().display()));
        }
        let parent = self.data.parent().context("a data directory needs a parent")?;
        std::fs::create_dir_all(parent)?;
        // Renamed when it is complete, so that an interrupted start leaves nothing that looks like data.
        let unfinished = self.data.with_extension("unfinished");
        match std::fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => std::fs::create_dir(&unfinished)?,
        }
        std::fs::set_permissions(&unfinished, Permissions::from_mode(0o700))?;
        account.chown(&unfinished)?;

        let password = secret::generate()?;
        let password_path = self.password_path();
        secret::write(&password_path, &password)?;
        account.chown(&password_path)?;

        let mut initdb = command(binaries, account, "initdb");
        initdb.arg("-D").arg(&unfinished).arg("--pwfile").arg(&password_path);
        initdb.args(["--username=postgres", "--auth=password", "--encoding=UTF8", "--no-instructions"]);
        // All letters are known and sorted by code point, so that every machine gives the same result.
        initdb.arg("--locale=C").args(ctype(binaries.major));
        if throwaway {
            initdb.arg("--no-sync");
        }
        let output = initdb.output().context("cannot run initdb")?;
        ensure!(output.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
        std::fs::rename(&unfinished, &self.data)?;
        Ok(password)
    }

    /// The lines of the running server's `postmaster.pid`.
    fn pid_file(&self) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        Some(text.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// Whether the server with this process id takes connections. `pg_ctl --wait` looks at the same line.
    pub fn is_ready(&self, pid: u32) -> bool {
        self.pid_file().is_some_and(|lines| {
            lines.first().is_some_and(|first| *first == pid.to_string())
                && lines.get(7).is_some_and(|status| status == "ready")
        })
    }

    /// Stops a server that still has the data although its `todo` process is gone.
    pub async fn stop_orphan(&self, limit: Duration) -> Result<()> {
        let Some(pid) = self.pid_file().and_then(|lines| lines.first()?.parse().ok()).map(Pid::from_raw) else {
            return Ok(());
        };
        if !is_postgres(pid) {
            return Ok(());
        }
        crate::output::note(&format!("stopping the PostgreSQL (process {pid}) that an earlier run left behind"));
        kill(pid, Signal::SIGINT).with_context(|| format!("cannot stop PostgreSQL, process {pid}"))?;
        let limit = Instant::now() + limit;
        // A server removes the file when it ends, unless it crashes.
        while self.pid_file().is_some() && is_postgres(pid) {
            if Instant::now() > limit {
                bail!("a PostgreSQL that an earlier run left behind does not stop: kill process {pid}");
            }
            tokio::time::sleep(super::POLL).await;
        }
        Ok(())
    }
}

/// The options of `initdb` that make all letters known. Since version 17, PostgreSQL has a locale of its own for that; an
/// older one needs the operating system's.
fn ctype(major: u32) -> &'static [&'static str] {
    match major {
        17.. => &["--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
        _ if cfg!(target_os = "macos") => &["--lc-ctype=en_US.UTF-8"],
        _ => &["--lc-ctype=C.UTF-8"],
    }
}

/// A stale file may name a process id that another program has by now.
fn is_postgres(pid: Pid) -> bool {
    let output = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with("postgres"))
}

/// A server program under the right account, without the caller's `PG…` variables.
pub fn command(binaries: &Binaries, account: Account, program: &str) -> Command {
    let mut command = Command::new(binaries.dir.join(program));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    // The account may have no right to enter the current directory.
    command.current_dir("/").env("LC_ALL", "C");
    account.apply(&mut command);
    command
}
