//! The `xtask` program. Its subcommands are in the library.

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::{Parser, Subcommand};
use todo::output::colored;
use xtask::{bench, boxes, prepare, test};

/// What a person who changes this repository runs
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Test(test::Test),
    Prepare(prepare::Prepare),
    Bench(bench::Bench),
    Box(boxes::Box),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Test(options) => test::run(options).await,
        Command::Prepare(options) => prepare::run(options).await,
        Command::Bench(options) => bench::run(options).await,
        Command::Box(options) => boxes::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{} {error:#}", colored(AnsiColor::Red, "error:"));
            ExitCode::FAILURE
        }
    }
}
