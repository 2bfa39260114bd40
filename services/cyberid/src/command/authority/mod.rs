//! `cyberid authority`

mod bureau;
mod countersign;
mod opened;
mod order;
mod redeem;
mod show;
mod span;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outcome;
use super::outside::Server;
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid authority order --sandbox --number 7K2M9-XQ4TD --field name --case 2026-117 --legal-basis 'CPL, article 54'
  cyberid authority countersign --sandbox off_Zm9vYmFyYmF6cXV4MTIzNA
  cyberid authority redeem --sandbox off_Zm9vYmFyYmF6cXV4MTIzNA

Exit codes:
  0  done
  1  an error, or refused
  2  the command line is wrong";

/// Act as an authority that law lets ask for one person's identity: order, countersign, redeem.
///
/// One officer orders, a second, different one signs, and only then the record of exactly one person opens, for the
/// authority's registered key alone. Every step is in the public ledger, every refusal too, and the person is told. There
/// is no search.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Authority {
    // Each command describes itself: a description here would hide its own.
    Order(order::OrderAccess),
    Countersign(countersign::CountersignAccess),
    Redeem(redeem::RedeemAccess),
    Show(show::ShowAccess),
}

/// What every authority's command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    server: Server,
    /// The authority's `{"client_id", "signing_jwk", "encryption_jwk"}`, in a file that its owner alone can read.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "sandbox",
        conflicts_with = "sandbox"
    )]
    authority_key: Option<PathBuf>,
    /// Act as the authority of the server's sandbox.
    #[arg(long)]
    sandbox: bool,
    /// The directory that keeps what was pinned of the platform [default: ~/.cyberid/authority].
    #[arg(long, value_name = "DIR", env = "CYBERID_AUTHORITY_HOME")]
    home: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which officer signs.
#[derive(Debug, Args)]
pub(super) struct Signer {
    /// The officer's `{"id", "signing_jwk"}`, in a file that its owner alone can read.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "sandbox",
        conflicts_with = "sandbox"
    )]
    officer_key: Option<PathBuf>,
    /// Which of the sandbox's officers signs, counted from 1 [default: 1 orders, 2 countersigns].
    #[arg(long, value_name = "N", conflicts_with = "officer_key")]
    officer: Option<usize>,
}

impl Common {
    fn show(&self) -> Show {
        Show::json(self.json)
    }
}

impl Authority {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Order(order) => order.run().await,
            Self::Countersign(countersign) => countersign.run().await,
            Self::Redeem(redeem) => redeem.run().await,
            Self::Show(show) => show.run().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn an_order_is_for_one_subject() {
        let number = NUMBER;
        let order = "cyberid authority order --sandbox --field name --case 1 --legal-basis law";
        assert!(parses(&format!(
            "{order} --number {number} --valid-for 2d --notice-delay 90d"
        )));
        assert!(parses(&format!(
            "{order} --client-id AAAAAAAAAAAAAAAAAAAAAA --sub s --json"
        )));
        for wrong in [
            order.to_owned(),
            format!("{order} --number *"),
            format!("{order} --number {number},{number}"),
            format!("{order} --number {number} --number {number}"),
            format!("{order} --number {number} --client-id AAAAAAAAAAAAAAAAAAAAAA --sub s"),
            format!("{order} --sub s"),
            format!("{order} --number {number} --valid-for 8d"),
            format!("{order} --number {number} --notice-delay 91d"),
        ] {
            assert!(!parses(&wrong), "{wrong}");
        }
    }

    const NUMBER: &str = "00000-00000";

    #[test]
    fn an_officer_signs_with_a_key_of_their_own() {
        let id = "off_Zm9vYmFyYmF6cXV4MTIzNA";
        assert!(parses(&format!(
            "cyberid authority countersign --sandbox --officer 1 {id}"
        )));
        assert!(parses(&format!(
            "cyberid authority countersign --authority-key a --officer-key o {id}"
        )));
        assert!(!parses(&format!(
            "cyberid authority countersign --authority-key a {id}"
        )));
        assert!(!parses(&format!("cyberid authority countersign {id}")));
        assert!(!parses(
            "cyberid authority redeem --sandbox rel_Zm9vYmFyYmF6cXV4MTIzNA"
        ));
        assert!(parses(&format!("cyberid authority show --sandbox {id} --json")));
    }
}
