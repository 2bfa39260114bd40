//! `cyberid`: the platform, the parties around it, and their tools, in one executable.

mod command;
mod platform;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use command::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            terminal::failure(&*error);
            ExitCode::FAILURE
        }
    }
}
