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

/// The command line of a process that stays: a small part of the whole, which it would make at its start, keep in memory and
/// never look at again.
#[derive(Debug, Parser)]
struct Staying {
    #[command(subcommand)]
    command: StayingCommand,
}

#[derive(Debug, Subcommand)]
enum StayingCommand {
    Serve(serve::Serve),
    Witness(witness::Witness),
    IdentitySource(identity_source::IdentitySource),
}

impl Cli {
    /// What the process was called with; it ends here with an explanation if that is no command.
    pub(crate) fn read() -> Self {
        Staying::try_parse().map_or_else(|_| Self::parse(), Self::from)
    }

    /// Runs the command.
    pub(crate) async fn run(self) -> Outcome {
        match self.command {
            Command::Demo(demo) => Box::pin(demo.run()).await,
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

impl From<Staying> for Cli {
    fn from(staying: Staying) -> Self {
        let command = match staying.command {
            StayingCommand::Serve(serve) => Command::Serve(serve),
            StayingCommand::Witness(witness) => Command::Witness(witness),
            StayingCommand::IdentitySource(source) => Command::IdentitySource(source),
        };
        Self { command }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Cli, Staying};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        Staying::command().debug_assert();
    }

    #[test]
    fn a_process_that_stays_is_called_as_the_whole_command_line_says() {
        for staying in Staying::command().get_subcommands() {
            let whole = Cli::command();
            let named = whole.find_subcommand(staying.get_name()).unwrap();
            assert!(staying.get_arguments().eq(named.get_arguments()), "{named}");
        }
        let line = ["cyberid", "serve", "custodian", "--listen", "127.0.0.1:0"];
        let (staying, whole) = (Staying::try_parse_from(line), Cli::try_parse_from(line));
        assert_eq!(
            format!("{:?}", Cli::from(staying.unwrap())),
            format!("{:?}", whole.unwrap())
        );
    }

    #[test]
    fn what_needs_an_explanation_is_left_to_the_whole_command_line() {
        for line in [
            "cyberid",
            "cyberid serve --help",
            "cyberid --version",
            "cyberid serve --nothing",
        ] {
            assert!(Staying::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
