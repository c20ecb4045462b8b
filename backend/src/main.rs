//! The `todo-backend` program. Everything it does lives in the library, so that tests share it.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use todo_backend::{
    commands::{check, mcp, smoke},
    db,
    server::{config::Config, router, serve},
    telemetry::logging::{self, Log},
};

/// The allocator of glibc keeps most of the memory in which passwords were hashed, and does not use it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API; configured by environment variables (README, "Configuration")
    Serve,
    /// Bring the database schema up to date; safe to run from any number of replicas at once
    Migrate,
    /// Ask a URL and succeed when it answers 2xx: a probe for containers without a shell
    Check {
        /// For example <http://127.0.0.1:8000/ready>
        url: String,
    },
    /// Do what a user does first, from opening a page to deleting a task; `helm test` runs it
    Smoke {
        /// Of the frontend, for example <http://todo-frontend:3000>
        url: String,
        /// Of the backend, for example <http://todo-backend:8000>: also do what an MCP client does first
        #[arg(long)]
        mcp: Option<String>,
    },
    /// Serve MCP on standard input and output for a client that starts programs; `TODO_URL` is the address of the
    /// application, `TODO_TOKEN` an API token
    Mcp,
    /// Print the `OpenAPI` document
    Openapi,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Serve => return run_logged(serve::run).await,
        Command::Migrate => {
            let migrate =
                async |config: Config, _: &_| db::migrate(&config.database_url).await.context("migration failed");
            return run_logged(migrate).await;
        }
        Command::Check { url } => check::run(&url).await?,
        Command::Smoke { url, mcp } => smoke::run(&url, mcp.as_deref()).await?,
        Command::Mcp => {
            let _log = logging::init_to("info", std::io::stderr())?;
            mcp::run().await?;
        }
        Command::Openapi => println!("{}", router::openapi().to_pretty_json()?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that pods run: everything that it reports is a line of the log, its failure included.
async fn run_logged(run: impl AsyncFnOnce(Config, &Log) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    let config = Config::from_env();
    let log = logging::init(config.as_ref().map_or("error", |config| &config.log_level))?;
    let done = async { run(config?, &log).await };
    let Err(error) = done.await else { return Ok(ExitCode::SUCCESS) };
    tracing::error!("{error:#}");
    Ok(ExitCode::FAILURE)
}
