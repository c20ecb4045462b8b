//! Programs that the steps need. A missing program is installed if possible; else the reason is returned, with a hint
//! for the user.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::Uid;
use todo::{tool::on_path, workspace};
use tokio::process::Command;

use super::context::StepRun;

const CARGO_DENY: &str = "0.20.2";
const CARGO_NEXTEST: &str = "0.9.151";

/// The path of a tool, or the reason why there is none.
pub type Found = std::result::Result<PathBuf, String>;

/// The version of `nixfmt_rs`, a port to Rust, since nixfmt itself is in no package registry.
const NIXFMT: &str = "0.5.3";

pub async fn cargo_deny(run: &StepRun<'_>) -> Result<PathBuf> {
    cargo_install(run, "cargo-deny", CARGO_DENY, "cargo-deny", &[]).await
}

pub async fn cargo_nextest(run: &StepRun<'_>) -> Result<PathBuf> {
    // It mainly starts programs, so optimizations would not pay for the time that they take to compile.
    cargo_install(run, "cargo-nextest", CARGO_NEXTEST, "cargo-nextest", &["--debug"]).await
}

pub async fn nixfmt(run: &StepRun<'_>) -> Result<PathBuf> {
    cargo_install(run, "nixfmt_rs", NIXFMT, "nixfmt", &[]).await
}

/// Installs one version of a program from crates.io into the user's cache, unless it is there.
async fn cargo_install(
    run: &StepRun<'_>,
    package: &str,
    version: &str,
    program: &str,
    options: &[&str],
) -> Result<PathBuf> {
    let root = workspace::cache_dir()?.join(format!("{program}-{version}"));
    let path = root.join("bin").join(program);
    if !path.is_file() {
        run.report(&format!("installing {program} {version}, once"));
        let mut cargo = Command::new("cargo");
        cargo
            .args(["install", "--locked", "--quiet", "--version", version, package, "--root"])
            .arg(&root)
            .args(options);
        // It is built outside of the workspace, whose configuration of cargo must not apply.
        cargo.current_dir(std::env::temp_dir()).env_remove("CARGO_TARGET_DIR");
        run.check_output(cargo).await?;
    }
    Ok(path)
}

pub async fn nix(run: &StepRun<'_>) -> Result<Found> {
    find(run, &["nix"], "nix-bin", "install Nix from https://nixos.org/download").await
}

pub async fn shellcheck(run: &StepRun<'_>) -> Result<Found> {
    find(run, &["shellcheck"], "shellcheck", "install shellcheck").await
}

/// A Chromium or Chrome: `CHROMIUM_PATH`, else the headless shell, which takes half the time of the full browser, else
/// an installed browser.
pub async fn chromium(run: &StepRun<'_>) -> Result<Found> {
    if let Some(path) = std::env::var_os("CHROMIUM_PATH").filter(|path| !path.is_empty()) {
        return Ok(Ok(PathBuf::from(path)));
    }
    let mac = Path::new("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    if mac.is_file() {
        return Ok(Ok(mac.to_owned()));
    }
    let hint = "install Chromium or Chrome, or set CHROMIUM_PATH";
    if let Ok(shell) = find(run, &["chromium-headless-shell"], "chromium-headless-shell", hint).await? {
        return Ok(Ok(shell));
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    find(run, &names, "chromium", hint).await
}

/// `prometheus` or `promtool`. Debian's package is only unpacked, since its installation would start a server. It is
/// built without the discovery of pods, which the tests do not need.
pub async fn prometheus(run: &StepRun<'_>, program: &str) -> Result<Found> {
    if let Some(program) = on_path(program) {
        return Ok(Ok(program));
    }
    let home = workspace::cache_dir()?.join("prometheus");
    let unpacked = home.join("usr/bin").join(program);
    if unpacked.is_file() {
        return Ok(Ok(unpacked));
    }
    if !Uid::effective().is_root() || on_path("apt-get").is_none() {
        return Ok(Err(format!("{program} is not installed: https://prometheus.io/download/")));
    }
    run.report("unpacking Debian's prometheus, once");
    apt_get(run, &["update", "--quiet"]).await?;
    let scratch = tempfile::tempdir()?;
    let mut download = Command::new("apt-get");
    download.args(["download", "--quiet", "prometheus"]).current_dir(scratch.path());
    run.check_output(download).await?;
    let package = std::fs::read_dir(scratch.path())?.next().context("apt-get downloaded nothing")??.path();
    let mut unpack = Command::new("dpkg");
    unpack.arg("--extract").arg(package).arg(&home);
    run.check_output(unpack).await?;
    Ok(Ok(unpacked))
}

/// The first of the programs that is installed; if there is none, the Debian package is installed.
async fn find(run: &StepRun<'_>, names: &[&str], package: &str, hint: &str) -> Result<Found> {
    let installed = || names.iter().find_map(|name| on_path(name));
    if let Some(program) = installed() {
        return Ok(Ok(program));
    }
    if !Uid::effective().is_root() || on_path("apt-get").is_none() {
        return Ok(Err(format!("{} is not installed: {hint}", names[0])));
    }
    run.report(&format!("installing {package}"));
    apt_get(run, &["update", "--quiet"]).await?;
    apt_get(run, &["install", "--yes", "--quiet", "--no-install-recommends", package]).await?;
    Ok(installed().ok_or_else(|| format!("the package {package} brought no {}: {hint}", names[0])))
}

async fn apt_get(run: &StepRun<'_>, arguments: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    run.check_output(apt).await.map(drop)
}

/// A Python with the packages of a requirements file, in a virtual environment in the user's cache.
pub async fn python(run: &StepRun<'_>, name: &str, requirements: &str) -> Result<Found> {
    let Some(system) = on_path("python3") else {
        return Ok(Err("python3 is not installed: install Python 3.10 or newer with its venv module".into()));
    };
    let wanted = std::fs::read_to_string(run.workspace().path(requirements))
        .with_context(|| format!("cannot read {requirements}"))?;
    let home = workspace::cache_dir()?.join(name);
    let (program, stamp) = (home.join("bin/python"), home.join("requirements.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Ok(program));
    }
    run.report(&format!("installing {name}, once"));
    let mut venv = Command::new(&system);
    venv.args(["-m", "venv", "--clear"]).arg(&home);
    if !run.output(venv).await?.status.success() {
        if !Uid::effective().is_root() || on_path("apt-get").is_none() {
            return Ok(Err("python3 has no venv module: install it (Debian: python3-venv)".into()));
        }
        apt_get(run, &["update", "--quiet"]).await?;
        apt_get(run, &["install", "--yes", "--quiet", "--no-install-recommends", "python3-venv"]).await?;
        let mut venv = Command::new(&system);
        venv.args(["-m", "venv", "--clear"]).arg(&home);
        run.check_output(venv).await?;
    }
    let mut pip = Command::new(&program);
    pip.args(["-m", "pip", "install", "--quiet", "--requirement", requirements]).current_dir(run.workspace().root());
    run.check_output(pip).await?;
    std::fs::write(&stamp, wanted)?;
    Ok(Ok(program))
}

/// A program from the packages of a directory with a `package.json` and its lock file, installed into the user's cache.
pub async fn npm(run: &StepRun<'_>, name: &str, directory: &str, program: &str) -> Result<PathBuf> {
    let wanted = run.workspace().path(directory);
    let home = workspace::cache_dir()?.join(name);
    let stamp = home.join("installed-lock.json");
    let lock = std::fs::read(wanted.join("package-lock.json"))?;
    if !std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        run.report(&format!("installing {name}, once"));
        std::fs::create_dir_all(&home)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(wanted.join(file), home.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&home);
        run.check_output(npm).await?;
        std::fs::write(&stamp, lock)?;
    }
    Ok(home.join("node_modules/.bin").join(program))
}
