//! `cyberid receipt`

mod show;
mod trust;
mod verify;

use std::path::Path;

use clap::Subcommand;
use cyberid_crypto::json;
use cyberid_protocol::receipt::Receipt as ReceiptFile;

use super::Outcome;
use super::outside::{Failure, read_bytes};

const HELP: &str = "\
Examples:
  cyberid receipt verify con_c2FtcGxlLWNvbnNlbnQtaQ.json
  cyberid receipt show con_c2FtcGxlLWNvbnNlbnQtaQ.json

Exit codes:
  0  the receipt is good, or shown
  1  the file is no receipt, or one that proves nothing
  2  the file cannot be read, nothing says which ledger to trust, or the command line is wrong";

/// The code of a file that cannot be read, or of which there is nothing to hold it to.
const NOT_CHECKED: u8 = 2;

/// Check or show a receipt: a file that proves what somebody agreed to, and what became of it.
///
/// A receipt is one file: the consent record, a leaf of the ledger, and the proof that the leaf is in it, with the
/// ledger's checkpoint and its witnesses' cosignatures. It is checked without the platform, by anybody who has it.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Receipt {
    // Each command describes itself: a description here would hide its own.
    Verify(verify::Verify),
    Show(show::ShowReceipt),
}

impl Receipt {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Verify(verify) => verify.run(),
            Self::Show(show) => show.run(),
        }
    }
}

/// Why there is no receipt to look at.
#[derive(Debug, thiserror::Error)]
enum NoReceipt {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(Failure),
    /// What is in it is not a receipt.
    #[error("this is no receipt: {0}")]
    Malformed(json::InvalidJson),
}

fn read(file: &Path) -> Result<ReceiptFile, NoReceipt> {
    let bytes = read_bytes(file).map_err(|error| NoReceipt::Unreadable(error.into()))?;
    json::from_slice(&bytes).map_err(NoReceipt::Malformed)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn a_check_names_a_file_and_whole_anchors() {
        assert!(parses("cyberid receipt verify r.json --json"));
        assert!(parses(
            "cyberid receipt verify - --vkey v --policy-file p --issuer i"
        ));
        assert!(parses("cyberid receipt verify r.json --home h"));
        assert!(parses("cyberid receipt verify r.json --trust-file"));
        assert!(parses("cyberid receipt show r.json"));
        assert!(!parses("cyberid receipt verify"));
        assert!(!parses("cyberid receipt verify r.json --vkey v"));
        assert!(!parses("cyberid receipt verify r.json --policy-file p"));
        assert!(!parses("cyberid receipt verify r.json --issuer i"));
        assert!(!parses(
            "cyberid receipt verify r.json --vkey v --policy-file p --trust-file"
        ));
    }
}
