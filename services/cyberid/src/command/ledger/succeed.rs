//! `cyberid ledger succeed`

use std::process::ExitCode;

use clap::Args;

use super::Outcome;
use crate::command::keys::place::Place;
use crate::platform::{Names, succeed};

const HELP: &str = "\
Examples:
  cyberid ledger succeed --data /var/lib/cyberid --ending id.example/ledger --successor id.example/ledger-2

What else belongs to it stands in docs/runbooks/compromised-log-key.md: the witnesses, the key holders, everybody who
pinned the old key.

Exit codes:
  0  the successor is in its place
  1  an error; the same command goes on where it was cut short
  2  the command line is wrong";

/// End a log whose key is not to be trusted any more, and begin the one that takes its place.
///
/// The successor has another name, another key, and the same tree: its first leaf of its own names the log that ended,
/// its size and its root. The old key is destroyed; what is left of the old log is kept in the folder `ended`. The
/// platform must not run.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Succeed {
    /// The name of the log that ends.
    #[arg(long, value_name = "NAME")]
    ending: String,
    /// The name of the log that takes its place.
    #[arg(long, value_name = "NAME")]
    successor: String,
    /// Even where the witnesses have not cosigned all of it: they may have cosigned what a thief of the key showed them.
    #[arg(long)]
    uncosigned: bool,
    #[command(flatten)]
    place: Place,
}

impl Succeed {
    pub(super) async fn run(self) -> Outcome {
        let found = self.place.find()?;
        let names = Names {
            ending: &self.ending,
            successor: &self.successor,
        };
        let succeeded = succeed(&found.data, &found.unlock, &names, self.uncosigned).await?;
        self.place.show().result(&succeeded, |succeeded| {
            format!(
                "{} ended with {} leaves, and is kept in {}.\n{} takes its place. Its key, for the witnesses, the key \
                 holders and everybody who pinned the old one:\n  {}",
                succeeded.ended.origin,
                succeeded.ended.size,
                succeeded.kept.display(),
                succeeded.origin,
                succeeded.vkey,
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}
