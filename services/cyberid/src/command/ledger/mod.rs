//! `cyberid ledger`

mod succeed;

use clap::Subcommand;

use super::Outcome;

const HELP: &str = "\
Examples:
  cyberid ledger succeed --data /var/lib/cyberid --ending id.example/ledger --successor id.example/ledger-2";

/// Work on the ledger of a platform that does not run.
///
/// What is done here changes what everybody outside has pinned: read the runbook of each command first.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Ledger {
    // Each command describes itself: a description here would hide its own.
    Succeed(succeed::Succeed),
}

impl Ledger {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Succeed(succeed) => succeed.run().await,
        }
    }
}
