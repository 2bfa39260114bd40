//! `cyberid holder`

mod activity;
mod approve;
mod cancel;
mod code;
mod decision;
pub(in crate::command) mod device;
mod direct;
mod enrol;
mod face;
mod guardian_consent;
mod key;
mod person;
mod pin;
mod receipts;
mod release;
mod show;
mod wards;
mod withdraw;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outcome;
use super::outside::{Repin, Server};
use crate::terminal::Show;

/// The code of a command that ended without an answer because the person said no.
const NOT_ANSWERED: u8 = 3;

const HELP: &str = "\
Examples:
  cyberid holder enrol --sandbox-person 1 --pin 52719406
  cyberid holder approve ver_YUxXbTdLV1RqRlN6ZVhGbw

Exit codes:
  0  done
  1  an error, or a receipt that is not good
  2  the command line is wrong
  3  you said no, and nothing was sent";

/// Act as a citizen: enrol, show, approve, release, withdraw, keep receipts.
///
/// One directory is one device: it keeps the device key, what was pinned of the platform at the first contact, and the
/// receipts. Nothing that the platform says is believed further than its signatures go.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Holder {
    // Each command describes itself: a description here would hide its own.
    Enrol(enrol::Enrol),
    Show(show::ShowMe),
    Approve(approve::Approve),
    Release(release::Release),
    Withdraw(withdraw::Withdraw),
    Cancel(cancel::Cancel),
    Receipts(receipts::Receipts),
    Direct(direct::Direct),
    Code(code::ShowCode),
    Key(key::ShowKey),
    GuardianConsent(guardian_consent::GuardianConsent),
    Wards(wards::Wards),
    Activity(activity::ShowActivity),
    Repin(Repin),
}

/// What every holder's command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    server: Server,
    /// The directory of this device [default: ~/.cyberid/holder].
    #[arg(long, value_name = "DIR", env = "CYBERID_HOLDER_HOME")]
    home: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Common {
    fn show(&self) -> Show {
        Show::json(self.json)
    }
}

impl Holder {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Enrol(enrol) => enrol.run().await,
            Self::Show(show) => show.run().await,
            Self::Approve(approve) => approve.run().await,
            Self::Release(release) => release.run().await,
            Self::Withdraw(withdraw) => withdraw.run().await,
            Self::Cancel(cancel) => cancel.run().await,
            Self::Receipts(receipts) => receipts.run().await,
            Self::Direct(direct) => direct.run().await,
            Self::Code(code) => code.run().await,
            Self::Key(key) => key.run(),
            Self::GuardianConsent(consent) => consent.run(),
            Self::Wards(wards) => wards.run().await,
            Self::Activity(activity) => activity.run().await,
            Self::Repin(repin) => repin.run("holder").await,
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
    fn an_enrolment_names_one_person_and_one_pin_at_most() {
        assert!(parses("cyberid holder enrol --sandbox-person 1 --pin 52719406"));
        assert!(parses(
            "cyberid holder enrol --person - --pin-file pin --locale en"
        ));
        assert!(!parses("cyberid holder enrol --pin 52719406"));
        assert!(!parses("cyberid holder enrol --person a --sandbox-person 1"));
        assert!(!parses("cyberid holder enrol --sandbox-person 0"));
        assert!(!parses(
            "cyberid holder enrol --person a --pin 52719406 --pin-file pin"
        ));
    }

    #[test]
    fn an_answer_is_a_yes_or_a_no() {
        assert!(parses("cyberid holder approve ver_x --yes --pin 52719406"));
        assert!(parses("cyberid holder approve ver_x --decline --json"));
        assert!(!parses("cyberid holder approve ver_x --yes --decline"));
        assert!(!parses("cyberid holder approve"));
    }

    #[test]
    fn a_release_names_fields_that_exist() {
        assert!(parses(
            "cyberid holder release rel_x --fields name,birth_date --locale zh-CN"
        ));
        assert!(!parses("cyberid holder release rel_x --fields name,shoe_size"));
        assert!(!parses("cyberid holder release rel_x --fields name --decline"));
    }

    #[test]
    fn a_guardian_lists_and_answers() {
        assert!(parses("cyberid holder wards --json"));
        assert!(parses(
            "cyberid holder wards approve ver_YUxXbTdLV1RqRlN6ZVhGbw --yes --home h"
        ));
        assert!(!parses("cyberid holder wards approve rel_YUxXbTdLV1RqRlN6ZVhGbw"));
        assert!(parses("cyberid holder guardian-consent --ward-key -x"));
        assert!(!parses("cyberid holder guardian-consent"));
    }

    #[test]
    fn activity_is_of_days() {
        assert!(parses("cyberid holder activity --json"));
        assert!(parses(
            "cyberid holder activity --from 2026-11-01 --to 2026-11-23"
        ));
        assert!(!parses("cyberid holder activity --from yesterday"));
    }

    #[test]
    fn an_end_for_ever_is_said_in_so_many_words() {
        assert!(parses("cyberid holder cancel --for-ever --home h"));
        assert!(!parses("cyberid holder cancel"));
    }

    #[test]
    fn a_withdrawal_names_a_consent() {
        assert!(parses("cyberid holder withdraw con_c2FtcGxlLWNvbnNlbnQtaQ"));
        assert!(!parses("cyberid holder withdraw rel_Zm9vYmFyYmF6cXV4MTIzNA"));
    }
}
