//! Programs that are needed, and their versions.

use super::{Check, version};
use crate::{images::Builder, node, tool, workspace::Workspace};

/// `--labels`, `--description` and Kubernetes 1.34 need it.
const HELM: (u32, u32) = (3, 14);

/// The first line that a program prints, or `None` where it does not run.
pub async fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let text = tool::text(tool::command(program, arguments)).await.ok()?;
    Some(text.lines().next().unwrap_or_default().trim().to_owned())
}

pub async fn rust() -> Check {
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let fix = format!("install Rust {wanted} or newer from https://rustup.rs");
    match first_line("rustc", &["--version"]).await {
        Some(found) if version::parse(wanted).is_some_and(|wanted| version::at_least(&found, wanted)) => {
            Check::ok("rust", found)
        }
        Some(found) => Check::warn("rust", format!("{found} is too old"), fix),
        None => Check::warn("rust", "not on the PATH", fix),
    }
}

pub fn c_compiler() -> Check {
    if let Some(path) = tool::on_path("cc") {
        return Check::ok("cc", path.display().to_string());
    }
    let fix =
        if cfg!(target_os = "macos") { "xcode-select --install" } else { "install gcc (Debian: build-essential)" };
    Check::warn("cc", "no C compiler, which some crates need", fix)
}

pub async fn node(workspace: &Workspace) -> Check {
    match node::check(workspace).await {
        Ok(()) => Check::ok("node", first_line("node", &["--version"]).await.unwrap_or_default()),
        Err(error) => match error.to_string().split_once(": ") {
            Some((found, fix)) => Check::warn("node", found, fix),
            None => Check::warn("node", error.to_string(), "install it from https://nodejs.org"),
        },
    }
}

/// Something that builds images.
pub async fn builder() -> Check {
    let mut reasons = Vec::new();
    for builder in Builder::ALL {
        match builder.version().await {
            Ok(version) => return Check::ok("images", format!("{} {version} builds them", builder.program())),
            Err(reason) => reasons.push(reason),
        }
    }
    let fix = if tool::on_path("docker").is_none() {
        "install Docker: https://docs.docker.com/engine/install"
    } else if cfg!(target_os = "macos") {
        "start Docker: open -a Docker"
    } else {
        "start Docker: sudo systemctl start docker (and `sudo usermod -aG docker $USER` to use it without root)"
    };
    Check::fail("images", reasons.join("; "), fix)
}

pub async fn helm() -> Check {
    let fix = "install Helm 3.14 or newer: https://helm.sh/docs/intro/install";
    match first_line("helm", &["version", "--template", "{{.Version}}"]).await {
        Some(found) if version::at_least(&found, HELM) => Check::ok("helm", found),
        Some(found) => Check::fail("helm", format!("{found} is too old"), fix),
        None => Check::fail("helm", "not installed", fix),
    }
}
