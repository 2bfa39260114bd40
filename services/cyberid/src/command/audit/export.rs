//! `cyberid audit export`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_auditor::export;
use serde_json::json;

use super::anchors::Trust;
use super::ledger::{Ledger, Place};
use super::outcome::end;
use super::regulator::Regulator;
use crate::command::Outcome;
use crate::command::outside::Failure;
use crate::terminal::{Show, progress};

const HELP: &str = "\
Examples:
  cyberid audit export --ledger http://127.0.0.1:8080 --sandbox --out ./export
  cyberid audit verify --ledger ./export

Exit codes:
  0  copied
  1  the checkpoint is not the log's, or the log has less than was copied before
  2  it cannot be read or written, or the command line is wrong";

/// Copy a ledger to a directory.
///
/// The copy is in the layout of C2SP tlog-tiles, with the anchors beside it, and is checked with
/// `cyberid audit verify --ledger DIR`: on another machine, by somebody else, with the platform switched off.
///
/// What the directory has already is not fetched again: a copy that was cut off goes on, and an old one grows.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Export {
    /// The platform's address, or the directory of an export.
    #[arg(long, value_name = "URL|DIR")]
    ledger: Place,
    /// The directory to copy to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    regulator: Regulator,
    #[command(flatten)]
    trust: Trust,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) async fn run(self) -> Outcome {
        let show = Show::json(self.json);
        match self.export().await {
            Ok(size) => {
                let result = json!({"size": size, "directory": self.out});
                show.result(&result, |_| {
                    let out = self.out.display();
                    format!("{size} leaves are in {out}. Check them: cyberid audit verify --ledger {out}")
                });
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Ok(end(&*error, show)),
        }
    }

    async fn export(&self) -> Result<u64, Failure> {
        let ledger = Ledger::open(&self.ledger, &self.regulator).await?;
        let trusted = self.trust.decide(ledger.said)?;
        let bar = progress("copying");
        let mut tell = |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        };
        let size = export(&*ledger.source, &trusted.anchors, &self.out, &mut tell).await;
        bar.finish_and_clear();
        Ok(size?)
    }
}
