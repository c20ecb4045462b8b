//! The program `todo-llm`, which serves a scripted model until SIGTERM or SIGINT.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Parser;
use serde_json::json;
use todo_llm::{Model, Script};
use tokio::signal::unix::{SignalKind, signal};

/// A language model that plays a script, behind an OpenAI-compatible API
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The script: YAML or JSON. Without one, every request is refused until PUT /script sets one
    #[arg(long)]
    script: Option<PathBuf>,
    /// Add, list, complete, rename and delete tasks by plain phrases
    #[arg(long, conflicts_with = "script")]
    demo: bool,
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// 0 picks a free one
    #[arg(long, default_value_t = 8001)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let script = match &cli.script {
        Some(path) => Script::read(path)?,
        None if cli.demo => Script::demo(),
        None => Script::default(),
    };
    let model = Model::listen(script, SocketAddr::new(cli.host, cli.port)).await?;
    println!("{}", json!({ "level": "INFO", "message": "listening", "address": model.address().to_string() }));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}
