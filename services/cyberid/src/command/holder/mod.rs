//! `cyberid holder`

mod activity;
mod approve;
mod at_counter;
mod cancel;
mod case;
mod code;
mod decision;
pub(in crate::command) mod device;
mod devices;
mod direct;
mod document;
mod enrol;
mod export;
mod face;
mod guardian_consent;
mod key;
mod life;
mod new_pin;
mod passport;
pub(in crate::command) mod person;
pub(in crate::command) mod pin;
mod receipts;
mod recover;
mod release;
mod report_misuse;
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
    #[command(visible_alias = "status")]
    Show(show::ShowMe),
    Approve(approve::Approve),
    Release(release::Release),
    Withdraw(withdraw::Withdraw),
    Suspend(life::Suspend),
    Resume(life::Resume),
    Renew(life::Renew),
    Document(document::ProveDocument),
    NewNumber(life::NewNumber),
    Cancel(cancel::Cancel),
    Receipts(receipts::Receipts),
    Direct(direct::Direct),
    Code(code::ShowCode),
    Key(key::ShowKey),
    Passport(passport::MakePassport),
    ReportMisuse(report_misuse::ReportMisuse),
    Appeal(case::Appeal),
    Case(case::ShowCase),
    GuardianConsent(guardian_consent::GuardianConsent),
    Wards(wards::Wards),
    #[command(subcommand)]
    Device(devices::Devices),
    Recover(recover::Recover),
    #[command(subcommand)]
    Pin(new_pin::NewPin),
    Activity(activity::ShowActivity),
    Export(export::Export),
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
    #[command(flatten)]
    paper: at_counter::Paper,
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
            Self::Suspend(suspend) => suspend.run().await,
            Self::Resume(resume) => resume.run().await,
            Self::Renew(renew) => renew.run().await,
            Self::Document(document) => document.run().await,
            Self::NewNumber(number) => number.run().await,
            Self::Cancel(cancel) => cancel.run().await,
            Self::Receipts(receipts) => receipts.run().await,
            Self::Direct(direct) => direct.run().await,
            Self::Code(code) => code.run().await,
            Self::Key(key) => key.run(),
            Self::Passport(passport) => passport.run().await,
            Self::ReportMisuse(report) => report.run().await,
            Self::Appeal(appeal) => appeal.run().await,
            Self::Case(case) => case.run().await,
            Self::GuardianConsent(consent) => consent.run().await,
            Self::Wards(wards) => wards.run().await,
            Self::Device(devices) => devices.run().await,
            Self::Recover(recover) => recover.run().await,
            Self::Pin(pin) => pin.run().await,
            Self::Activity(activity) => activity.run().await,
            Self::Export(export) => export.run().await,
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
    fn devices_and_pins_are_named() {
        assert!(parses("cyberid holder device list --json"));
        assert!(parses("cyberid holder device add --home tablet"));
        assert!(parses("cyberid holder device approve --request - --pin 52719406"));
        assert!(parses("cyberid holder device revoke -x9"));
        assert!(!parses("cyberid holder device approve"));
        assert!(parses(
            "cyberid holder recover --sandbox-person 1 --pin 52719406 --keep-others"
        ));
        assert!(!parses("cyberid holder recover --pin 52719406"));
        assert!(parses(
            "cyberid holder pin change --pin 52719406 --new-pin 83620517"
        ));
        assert!(!parses("cyberid holder pin change --pin 52719406"));
        assert!(parses(
            "cyberid holder pin reset --sandbox-person 1 --new-pin-file new"
        ));
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
    fn an_archive_is_fetched_or_checked() {
        assert!(parses("cyberid holder export --json --home h"));
        assert!(parses("cyberid holder export verify a.json --home h"));
        assert!(parses(
            "cyberid holder export verify - --key k --issuer https://id.example"
        ));
        assert!(!parses("cyberid holder export verify a.json --key k"));
        assert!(!parses("cyberid holder export verify"));
    }

    #[test]
    fn an_end_for_ever_is_said_in_so_many_words() {
        assert!(parses("cyberid holder cancel --for-ever --home h"));
        assert!(!parses("cyberid holder cancel"));
    }

    #[test]
    fn a_life_is_turned_by_its_holder() {
        assert!(parses("cyberid holder status --json"));
        assert!(parses("cyberid holder suspend --home h"));
        assert!(parses("cyberid holder resume --pin 52719406"));
        assert!(parses("cyberid holder renew --sandbox-person 1"));
        assert!(!parses(
            "cyberid holder renew --sandbox-person 1 --person me.json"
        ));
        assert!(parses("cyberid holder new-number --json"));
        assert!(parses("cyberid holder wards end ward_YUxXbTdLV1RqRlN6ZVhGbw"));
        assert!(parses(
            "cyberid holder guardian-consent --ward-key -x --release rel_x --fields name"
        ));
        assert!(!parses(
            "cyberid holder guardian-consent --ward-key -x --fields name"
        ));
    }

    #[test]
    fn a_document_is_proved_by_one_person() {
        assert!(parses("cyberid holder document --sandbox-person 1 --json"));
        assert!(parses("cyberid holder document --person - --home h"));
        assert!(!parses("cyberid holder document"));
        assert!(!parses(
            "cyberid holder document --person p.json --sandbox-person 1"
        ));
    }

    #[test]
    fn a_withdrawal_names_a_consent() {
        assert!(parses("cyberid holder withdraw con_c2FtcGxlLWNvbnNlbnQtaQ"));
        assert!(!parses("cyberid holder withdraw rel_Zm9vYmFyYmF6cXV4MTIzNA"));
    }
}
