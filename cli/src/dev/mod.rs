//! `cargo todo dev`: the whole application from the checkout, until Ctrl-C.

mod preflight;

use anstyle::AnsiColor;
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    database::Databases,
    node,
    output::{Label, bold, note},
    process::{self, Program},
    secret,
    stack::{self, Backend, Frontend, Running},
    workspace::Workspace,
};

const BACKEND: Label = Label { name: "backend", color: AnsiColor::Cyan };
const MODEL: Label = Label { name: "model", color: AnsiColor::Yellow };
const FRONTEND: Label = Label { name: "frontend", color: AnsiColor::Magenta };

/// Run the application: PostgreSQL, backend and frontend, until Ctrl-C
#[derive(Args, Clone, Debug)]
pub struct Dev {
    /// Build and run what production runs, without hot reload
    #[arg(long)]
    release: bool,
    /// Address the frontend listens on; 0.0.0.0 lets other machines in
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port of the frontend
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the backend
    #[arg(long, default_value_t = 8000)]
    backend_port: u16,
    /// Port of the backend's metrics
    #[arg(long, default_value_t = 9090)]
    metrics_port: u16,
    /// Port of the frontend's metrics
    #[arg(long, default_value_t = 9091)]
    frontend_metrics_port: u16,
    /// Let the chat speak with a small program of rules, for which no key is needed
    #[arg(long)]
    demo_model: bool,
}

pub async fn run(options: Dev) -> Result<()> {
    let workspace = Workspace::find()?;
    let _lock = workspace.lock("todo", "dev")?;
    preflight::ports(&[
        ("--port", options.port),
        ("--backend-port", options.backend_port),
        ("--metrics-port", options.metrics_port),
        ("--frontend-metrics-port", options.frontend_metrics_port),
    ])?;
    tokio::select! {
        outcome = serve(&options, &workspace) => outcome,
        outcome = process::interrupted() => {
            note("stopping");
            outcome
        }
    }
}

/// Returns only when something fails; dropping the future ends all it started.
async fn serve(options: &Dev, workspace: &Workspace) -> Result<()> {
    node::install(workspace).await?;
    let mut databases = Databases::keeping(workspace.state("postgres")?).await?;
    let database_url = databases.application("todo").await.context("cannot make the database")?;
    let binaries = stack::build(workspace, options.release, options.demo_model).await?;
    if options.release {
        note("building the frontend");
        Program::run(stack::npm_run(workspace, "build")).await.context("the frontend does not build")?;
    }

    let mut model = if options.demo_model {
        Some(stack::start_model(&binaries.model(), |line| MODEL.print(line)).await?)
    } else {
        None
    };
    let backend = Backend {
        binary: binaries.backend(),
        database_url: database_url.clone(),
        secret_key: secret_key(workspace)?,
        port: options.backend_port,
        metrics_port: options.metrics_port,
        model_url: model.as_ref().map(|model| model.url.clone()),
        mcp_host: None,
    };
    let mut backend = backend.start(|line| BACKEND.print(line)).await.with_context(|| databases.hint())?;
    let frontend = Frontend {
        release: options.release,
        backend_url: backend.url.clone(),
        host: options.host.clone(),
        port: options.port,
        metrics_port: options.frontend_metrics_port,
    };
    let mut frontend = frontend.start(workspace, |line| FRONTEND.print(line)).await?;

    note(&format!("database {database_url}"));
    if let Some(model) = &model {
        note(&format!("the chat speaks with the demo model at {}: ask it for help", model.url));
    }
    note(&format!("the application is at {} (Ctrl-C stops it)", bold(&frontend.url.replace("127.0.0.1", "localhost"))));
    tokio::select! {
        outcome = fail_on_exit("backend", &mut backend) => outcome,
        outcome = fail_on_exit("frontend", &mut frontend) => outcome,
        outcome = fail_on_exit_if_any("model", model.as_mut()) => outcome,
        outcome = databases.fail_on_exit() => outcome,
    }
}

async fn fail_on_exit_if_any(name: &str, running: Option<&mut Running>) -> Result<()> {
    match running {
        Some(running) => fail_on_exit(name, running).await,
        None => std::future::pending().await,
    }
}

async fn fail_on_exit(name: &str, running: &mut Running) -> Result<()> {
    let status = running.program.wait().await?;
    bail!("the {name} ended ({status}); its last lines:\n{}", running.program.last_lines(10))
}

/// The key is kept, so that sessions survive a restart.
fn secret_key(workspace: &Workspace) -> Result<String> {
    let path = workspace.state("secret-key")?;
    match std::fs::read_to_string(&path) {
        Ok(key) if !key.is_empty() => Ok(key),
        _ => {
            let key = secret::generate()?;
            secret::write(&path, &key)?;
            Ok(key)
        }
    }
}
