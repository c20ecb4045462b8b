//! The `todo` program. Everything it does lives in the library.

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::{Parser, Subcommand};
use todo::{aiops, deploy, dev, doctor, down, forward, output::colored, status, verify};

/// Runs and deploys the Todo application from a checkout
#[derive(Parser)]
#[command(name = "cargo todo", bin_name = "cargo todo", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Dev(dev::Dev),
    Deploy(deploy::Deploy),
    Status(status::Status),
    Verify(verify::Verify),
    Down(down::Down),
    Ask(aiops::Ask),
    AiKubeconfig(aiops::AiKubeconfig),
    Doctor(doctor::Doctor),
    #[command(hide = true)]
    Forward(forward::Forward),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Dev(options) => dev::run(options).await,
        Command::Deploy(options) => deploy::run(options).await,
        Command::Status(options) => status::run(options).await,
        Command::Verify(options) => verify::run(options).await,
        Command::Down(options) => down::run(options).await,
        Command::Ask(options) => match aiops::ask(options).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::AiKubeconfig(options) => aiops::ai_kubeconfig(options).await,
        Command::Doctor(options) => doctor::run(options).await,
        Command::Forward(options) => forward::run(options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{} {error:#}", colored(AnsiColor::Red, "error:"));
            ExitCode::FAILURE
        }
    }
}
