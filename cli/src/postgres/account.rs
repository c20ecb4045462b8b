//! `initdb` and `postgres` refuse to run as root. Root runs them as `nobody` instead, which then owns the data.

use std::{
    fs::Permissions,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use nix::unistd::{Uid, User};

/// The account a server runs under; `None` is our own.
#[derive(Clone, Copy, Debug)]
pub struct Account(Option<(u32, u32)>);

impl Account {
    pub fn for_server() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self(None));
        }
        let nobody = User::from_name("nobody")?.context(
            "PostgreSQL does not run as root, and this machine has no account `nobody` to run it as: \
             call this command as an ordinary user",
        )?;
        Ok(Self(Some((nobody.uid.as_raw(), nobody.gid.as_raw()))))
    }

    pub fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
    }

    pub fn chown(self, path: &Path) -> Result<()> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).with_context(|| format!("cannot give {} to `nobody`", path.display()))
    }

    /// Whether the account may enter every directory on the way to `path`.
    fn can_access(self, path: &Path) -> bool {
        let Some((uid, _)) = self.0 else { return true };
        path.ancestors().skip(1).filter_map(|directory| directory.metadata().ok()).all(|directory| {
            let mode = directory.mode();
            if directory.uid() == uid { mode & 0o100 != 0 } else { mode & 0o001 != 0 }
        })
    }

    /// Makes `wanted` for the account: there, or as a link to a place under `/var/lib/todo` when `wanted` lies in a
    /// private directory such as `/root`, which the account cannot enter.
    pub fn create_data_dir(self, wanted: &Path) -> Result<PathBuf> {
        if let Ok(existing) = wanted.canonicalize() {
            return Ok(existing);
        }
        let parent = wanted.parent().context("a data directory needs a parent")?;
        std::fs::create_dir_all(parent)?;
        let parent = parent.canonicalize()?;
        let wanted = parent.join(wanted.file_name().context("a data directory needs a name")?);
        if self.can_access(&wanted) {
            std::fs::create_dir(&wanted)?;
            self.chown(&wanted)?;
            return Ok(wanted);
        }
        let base = Path::new("/var/lib/todo");
        std::fs::create_dir_all(base)?;
        std::fs::set_permissions(base, Permissions::from_mode(0o755))?;
        // An existing directory is never used: without its link nobody knows which checkout it belongs to.
        let real = tempfile::Builder::new().prefix("postgres-").tempdir_in(base)?.keep();
        self.chown(&real)?;
        if wanted.is_symlink() {
            std::fs::remove_file(&wanted)?;
        }
        symlink(&real, &wanted)?;
        crate::output::note(&format!(
            "{} is closed to `nobody`, the account PostgreSQL runs as for root: its data is in {}",
            parent.display(),
            real.display()
        ));
        Ok(real)
    }

    /// The directory for data that is thrown away: `TMPDIR` where the account can enter it.
    pub fn temporary_base(self) -> PathBuf {
        let usual = std::env::temp_dir();
        if self.can_access(&usual.join("x")) { usual } else { PathBuf::from("/var/tmp") }
    }

    /// The directory downloaded servers are kept in.
    pub fn cache(self) -> Result<PathBuf> {
        let own = crate::workspace::cache_dir()?;
        Ok(if self.can_access(&own.join("x")) { own } else { PathBuf::from("/var/cache/todo") })
    }
}
