//! `cyberid receipt show`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_domain::field::Field;
use cyberid_protocol::receipt::Receipt;

use super::{NOT_CHECKED, NoReceipt, read};
use crate::command::Outcome;
use crate::command::outside::{moment, names};
use crate::terminal::{Show, failure, note};

const HELP: &str = "\
Examples:
  cyberid receipt show con_c2FtcGxlLWNvbnNlbnQtaQ.json
  cyberid receipt show con_c2FtcGxlLWNvbnNlbnQtaQ.json --json";

/// Show what a receipt says, without checking it.
#[derive(Debug, Args)]
#[command(long_about = "Show what a receipt says: the statement as it was shown, the fields, and what became of them.\n\n\
    Nothing is checked: that is `cyberid receipt verify`.", after_long_help = HELP)]
pub(crate) struct ShowReceipt {
    /// The receipt, or `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl ShowReceipt {
    pub(super) fn run(self) -> Outcome {
        let receipt = match read(&self.file) {
            Ok(receipt) => receipt,
            Err(NoReceipt::Unreadable(error)) => {
                failure(&*error);
                return Ok(ExitCode::from(NOT_CHECKED));
            }
            Err(error) => return Err(error.into()),
        };
        Show::json(self.json).result(&receipt, words);
        note("Nothing of this was checked: `cyberid receipt verify` does.");
        Ok(ExitCode::SUCCESS)
    }
}

fn words(receipt: &Receipt) -> String {
    let record = &receipt.record;
    let life = record.life();
    let life: Vec<String> = life
        .map(|(kind, time)| format!("\n  {}  {}", moment(time), kind.as_str()))
        .collect();
    format!(
        "Consent {}\n\n{}\n\nGranted: {}\nWhat happened:{}",
        record.id(),
        record.evidence.statement,
        names(&record.granted(), Field::as_str),
        life.concat(),
    )
}
