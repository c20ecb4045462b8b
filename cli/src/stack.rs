//! The application itself: backend and frontend as processes.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{process::Program, workspace::Workspace};

/// Covers the first compilation of the frontend's development server on a slow machine.
const START_LIMIT: Duration = Duration::from_mins(2);

/// Compiles the backend, on our terminal, and returns its path.
pub async fn build_backend(workspace: &Workspace, release: bool) -> Result<PathBuf> {
    Program::run(cargo_build(workspace, release)).await.context("the backend does not compile")?;
    backend_binary(workspace, release).await
}

/// Queries are checked against the committed `.sqlx`, whatever `DATABASE_URL` the caller has.
#[must_use]
pub fn cargo_build(workspace: &Workspace, release: bool) -> Command {
    let mut cargo = cargo(workspace);
    // With the whole workspace's features, so that the tests' compilation of every dependency is this one.
    cargo.args(["build", "--workspace", "--bin", "todo-backend"]);
    if release {
        cargo.arg("--release");
    }
    cargo
}

#[must_use]
pub fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root()).env("SQLX_OFFLINE", "true");
    cargo
}

pub async fn backend_binary(workspace: &Workspace, release: bool) -> Result<PathBuf> {
    let profile = if release { "release" } else { "debug" };
    Ok(target_directory(workspace).await?.join(profile).join("todo-backend"))
}

/// Where cargo puts what it compiles.
pub async fn target_directory(workspace: &Workspace) -> Result<PathBuf> {
    let mut metadata = cargo(workspace);
    let output = metadata.args(["metadata", "--no-deps", "--format-version=1"]).output().await?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("cargo metadata failed")?;
    Ok(PathBuf::from(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?))
}

/// What a backend is started with. Port 0 picks a free one.
#[derive(Clone, Debug)]
pub struct Backend {
    pub binary: PathBuf,
    pub database_url: String,
    pub secret_key: String,
    pub port: u16,
    pub metrics_port: u16,
}

impl Backend {
    #[must_use]
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg(subcommand)
            .env("DATABASE_URL", &self.database_url)
            .env("SECRET_KEY", &self.secret_key)
            .env("HOST", "127.0.0.1")
            .env("PORT", self.port.to_string())
            .env("METRICS_PORT", self.metrics_port.to_string())
            // The frontend is a proxy in front.
            .env("TRUSTED_PROXY_HOPS", "1")
            .env("SHUTDOWN_DRAIN_SECONDS", "0");
        command
    }

    /// Brings the schema up to date, serves, and waits until requests are answered.
    pub async fn start(&self, on_line: impl Fn(&str) + Clone + Send + 'static) -> Result<Running> {
        let mut migrate = Program::start(self.command("migrate"), on_line.clone())?;
        if !migrate.wait().await?.success() {
            bail!("the database does not take the migrations:\n{}", migrate.last_lines(5));
        }
        Running::start(self.command("serve"), "/ready", on_line).await.context("the backend does not start")
    }
}

/// What a frontend is started with. Port 0 picks a free one.
#[derive(Clone, Debug)]
pub struct Frontend {
    /// Serve the production build instead of compiling on demand.
    pub release: bool,
    pub backend_url: String,
    pub host: String,
    pub port: u16,
    pub metrics_port: u16,
}

impl Frontend {
    pub async fn start(
        &self,
        workspace: &Workspace,
        on_line: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Running> {
        let mut command = npm_run(workspace, if self.release { "start" } else { "dev" });
        command
            .env("BACKEND_URL", &self.backend_url)
            .env("HOST", &self.host)
            .env("PORT", self.port.to_string())
            .env("METRICS_PORT", self.metrics_port.to_string())
            .env("SHUTDOWN_DRAIN_SECONDS", "0");
        Running::start(command, "/api/health", on_line).await.context("the frontend does not start")
    }
}

/// A script of the frontend's `package.json`.
#[must_use]
pub fn npm_run(workspace: &Workspace, script: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", script]).current_dir(workspace.path("frontend"));
    npm.env("NEXT_TELEMETRY_DISABLED", "1");
    npm
}

/// A server that answers requests at `url`.
#[derive(Debug)]
pub struct Running {
    pub program: Program,
    pub url: String,
    /// `HOST:PORT` of its metrics.
    pub metrics: String,
}

impl Running {
    async fn start(
        command: Command,
        health_path: &str,
        on_line: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Self> {
        let mut program = Program::start(command, on_line)?;
        let [port, metrics_port] = program.line("address", START_LIMIT, listening_ports).await?;
        let url = format!("http://127.0.0.1:{port}");
        wait_until_ok(&mut program, &format!("{url}{health_path}")).await?;
        Ok(Self { program, url, metrics: format!("127.0.0.1:{metrics_port}") })
    }
}

/// That of the service and that of its metrics, from the line that backend and frontend log once both are open.
fn listening_ports(line: &str) -> Option<[u16; 2]> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    if entry["message"] != "listening" {
        return None;
    }
    let port = |key: &str| entry[key].as_str()?.rsplit(':').next()?.parse().ok();
    Some([port("address")?, port("metrics_address")?])
}

async fn wait_until_ok(program: &mut Program, url: &str) -> Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let mut answer = String::from("no answer");
    let waiting = async {
        loop {
            match client.get(url).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => answer = format!("{} {}", response.status(), response.text().await.unwrap_or_default()),
                Err(error) => answer = error.to_string(),
            }
            if let Some(status) = program.ended()? {
                bail!("it ended ({status}):\n{}", program.last_lines(10));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(START_LIMIT, waiting).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("{url} was not healthy within {START_LIMIT:?}: {answer}"),
    }
}

#[cfg(test)]
mod tests {
    use super::listening_ports;

    #[test]
    fn finds_the_ports_in_the_log() {
        let line = r#"{"level":"INFO","message":"listening","address":"127.0.0.1:8000","metrics_address":"[::]:9090"}"#;
        assert_eq!(listening_ports(line), Some([8000, 9090]));
        assert_eq!(listening_ports(r#"{"message":"stopping"}"#), None);
        assert_eq!(listening_ports("▲ Next.js 16"), None);
    }
}
