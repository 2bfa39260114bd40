//! The command line: one command, one file.

mod audit;
mod authority;
mod backup;
mod cases;
mod counter;
mod demo;
mod holder;
mod identity_source;
mod keys;
mod ledger;
mod openapi;
mod operator;
mod outside;
mod receipt;
mod rp;
mod serve;
mod shares;
mod source;
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a command ends in: an exit code, or an error that is printed with its causes.
pub(crate) type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// Prove to any internet service that you are real, unique and old enough, without saying who you are.
///
/// `cyberid demo` shows the whole in one go. `cyberid serve --sandbox` brings up a platform to try every call against.
#[derive(Debug, Parser)]
#[command(name = "cyberid", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // Each command describes itself: a description here would hide its own.
    Demo(demo::Demo),
    Serve(serve::Serve),
    #[command(subcommand)]
    Holder(holder::Holder),
    #[command(subcommand)]
    Rp(rp::Rp),
    #[command(subcommand)]
    Receipt(receipt::Receipt),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Authority(authority::Authority),
    #[command(subcommand)]
    Operator(operator::Operator),
    #[command(subcommand)]
    Cases(cases::Cases),
    #[command(subcommand)]
    Counter(counter::Counter),
    #[command(subcommand)]
    Keys(keys::Keys),
    #[command(subcommand)]
    Shares(shares::Shares),
    #[command(subcommand)]
    Backup(backup::Backup),
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    Witness(witness::Witness),
    IdentitySource(identity_source::IdentitySource),
    #[command(subcommand)]
    Source(source::Source),
    Openapi(openapi::Openapi),
}

impl Cli {
    /// Runs the command.
    pub(crate) async fn run(self) -> Outcome {
        match self.command {
            Command::Demo(demo) => demo.run().await,
            Command::Serve(serve) => Box::pin(serve.run()).await,
            Command::Holder(holder) => holder.run().await,
            Command::Rp(rp) => rp.run().await,
            Command::Receipt(receipt) => receipt.run(),
            Command::Audit(audit) => audit.run().await,
            Command::Authority(authority) => authority.run().await,
            Command::Cases(cases) => cases.run().await,
            Command::Counter(counter) => counter.run().await,
            Command::Operator(operator) => operator.run().await,
            Command::Keys(keys) => keys.run().await,
            Command::Shares(shares) => shares.run().await,
            Command::Backup(backup) => backup.run().await,
            Command::Ledger(ledger) => ledger.run().await,
            Command::Witness(witness) => witness.run().await,
            Command::IdentitySource(source) => source.run().await,
            Command::Source(source) => source.run().await,
            Command::Openapi(openapi) => openapi.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
