//! The application itself: backend and frontend as processes, and a model for its chat.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{process::Program, workspace::Workspace};

/// Covers the first compilation of the frontend's development server on a slow machine.
const START_LIMIT: Duration = Duration::from_mins(2);

const BACKEND: &str = "todo-backend";
const MODEL: &str = "todo-llm";
const TODO: &str = "todo";

/// The directory of the compiled programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    pub async fn find(workspace: &Workspace, release: bool) -> Result<Self> {
        let profile = if release { "release" } else { "debug" };
        Ok(Self { directory: target_directory(workspace).await?.join(profile) })
    }

    #[must_use]
    pub fn backend(&self) -> PathBuf {
        self.directory.join(BACKEND)
    }

    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.directory.join(MODEL)
    }

    #[must_use]
    pub fn todo(&self) -> PathBuf {
        self.directory.join(TODO)
    }
}

/// Compiles the backend, on our terminal.
pub async fn build(workspace: &Workspace, release: bool, with_model: bool) -> Result<Binaries> {
    Program::run(cargo_build(workspace, release, with_model)).await.context("the backend does not compile")?;
    Binaries::find(workspace, release).await
}

/// Queries are checked against the committed `.sqlx`, whatever `DATABASE_URL` the caller has.
#[must_use]
pub fn cargo_build(workspace: &Workspace, release: bool, with_model: bool) -> Command {
    let mut cargo = cargo_build_of(workspace, BACKEND);
    if with_model {
        cargo.args(["--bin", MODEL]);
    }
    if release {
        cargo.arg("--release");
    }
    cargo
}

/// Compiles the `todo` program.
#[must_use]
pub fn cargo_build_todo(workspace: &Workspace) -> Command {
    cargo_build_of(workspace, TODO)
}

/// With the features of the whole workspace, so that every dependency is compiled once for programs and tests.
fn cargo_build_of(workspace: &Workspace, program: &str) -> Command {
    let mut cargo = cargo(workspace);
    cargo.args(["build", "--workspace", "--bin", program]);
    cargo
}

#[must_use]
pub fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root()).env("SQLX_OFFLINE", "true");
    cargo
}

/// Cargo's directory for compiled files.
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
    /// The address of the model for the chat. It replaces the one that the environment names.
    pub model_url: Option<String>,
    /// A further name, in addition to this machine's, by which MCP clients may call.
    pub mcp_host: Option<&'static str>,
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
            // The frontend is a proxy in front of the backend.
            .env("TRUSTED_PROXY_HOPS", "1")
            // Everybody has the address of this machine.
            .env("SIGN_UPS_PER_HOUR", "1000000")
            .env("SHUTDOWN_DRAIN_SECONDS", "0");
        if let Some(model) = &self.model_url {
            // The key in the environment is for another model.
            command
                .env("OPENAI_BASE_URL", format!("{model}/v1"))
                .env("OPENAI_MODEL", "demo")
                .env_remove("OPENAI_API_KEY");
        }
        if let Some(host) = self.mcp_host {
            command.env("MCP_ALLOWED_HOSTS", format!("localhost,127.0.0.1,::1,{host}"));
        }
        command
    }

    /// Runs the migrations, starts the service, and waits until requests are answered.
    pub async fn start(&self, on_line: impl Fn(&str) + Clone + Send + 'static) -> Result<Running> {
        self.start_with(&[], on_line).await
    }

    /// The same with further environment variables.
    pub async fn start_with(
        &self,
        variables: &[(&str, &str)],
        on_line: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Running> {
        let mut migrate = Program::start(self.command("migrate"), on_line.clone())?;
        if !migrate.wait().await?.success() {
            bail!("the database does not take the migrations:\n{}", migrate.last_lines(5));
        }
        let mut serve = self.command("serve");
        serve.envs(variables.iter().copied());
        Running::start(serve, "/ready", on_line).await.context("the backend does not start")
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

/// Starts a model for the chat on a free port: the demo, to which tests add rules over HTTP.
pub async fn start_model(binary: &Path, on_line: impl Fn(&str) + Clone + Send + 'static) -> Result<Running> {
    let mut command = Command::new(binary);
    command.args(["--port=0", "--demo"]);
    Running::start(command, "/health", on_line).await.context("the model does not start")
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
    /// `HOST:PORT` of its metrics, where it has any.
    pub metrics: Option<String>,
}

impl Running {
    async fn start(
        command: Command,
        health_path: &str,
        on_line: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Self> {
        let mut program = Program::start(command, on_line)?;
        let (port, metrics_port) = program.line("address", START_LIMIT, listening_ports).await?;
        let url = format!("http://127.0.0.1:{port}");
        wait_until_ok(&mut program, &format!("{url}{health_path}")).await?;
        Ok(Self { program, url, metrics: metrics_port.map(|port| format!("127.0.0.1:{port}")) })
    }
}

/// The port of the service, and of its metrics if it has any, from the line that servers log once they listen.
fn listening_ports(line: &str) -> Option<(u16, Option<u16>)> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    if entry["message"] != "listening" {
        return None;
    }
    let port = |key: &str| entry[key].as_str()?.rsplit(':').next()?.parse().ok();
    Some((port("address")?, port("metrics_address")))
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
            if let Some(status) = program.exit_status()? {
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
    use super::{Backend, listening_ports};

    #[test]
    fn a_model_of_ours_takes_the_place_of_another() {
        let mut backend = Backend {
            binary: "todo-backend".into(),
            database_url: String::new(),
            secret_key: String::new(),
            port: 0,
            metrics_port: 0,
            model_url: None,
            mcp_host: None,
        };
        let chat = |backend: &Backend| {
            let command = backend.command("serve");
            let chat = command.as_std().get_envs().filter(|(name, _)| name.to_string_lossy().starts_with("OPENAI_"));
            chat.map(|(_, value)| value.map(|value| value.to_string_lossy().into_owned())).collect::<Vec<_>>()
        };
        assert!(chat(&backend).is_empty());
        backend.model_url = Some("http://127.0.0.1:1".into());
        // In the order of their names, with the key removed.
        assert_eq!(chat(&backend), [None, Some("http://127.0.0.1:1/v1".into()), Some("demo".into())]);
    }

    #[test]
    fn finds_the_ports_in_the_log() {
        let line = r#"{"level":"INFO","message":"listening","address":"127.0.0.1:8000","metrics_address":"[::]:9090"}"#;
        assert_eq!(listening_ports(line), Some((8000, Some(9090))));
        assert_eq!(listening_ports(r#"{"message":"stopping"}"#), None);
        assert_eq!(listening_ports("▲ Next.js 16"), None);
    }
}
