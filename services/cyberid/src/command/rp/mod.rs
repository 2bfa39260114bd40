//! `cyberid rp`

mod adopt;
mod erase;
mod events;
mod keys;
mod operators;
mod outcome;
mod party;
mod redeem;
mod register;
mod release;
mod renew;
mod show;
mod submit;
mod token;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outcome;
use super::outside::{Repin, Server};
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid rp adopt --sandbox
  cyberid rp verify --purpose register --check real_person --check age_over_18

Exit codes:
  0  it holds, or done
  1  an error
  2  the command line is wrong
  3  it does not hold
  4  no answer";

/// Act as an internet service provider: register, verify, ask for a release, redeem.
///
/// One directory is one relying party: it keeps its keys, its registration, what was pinned of the platform, and the
/// questions that wait for an answer. Nothing is printed as verified that was not checked wholly.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Rp {
    // Each command describes itself: a description here would hide its own.
    Register(register::Register),
    Adopt(adopt::Adopt),
    Show(show::ShowRegistration),
    Renew(renew::Renew),
    #[command(subcommand)]
    Keys(keys::Keys),
    Verify(verify::Verify),
    Result(outcome::Look),
    Submit(submit::Submit),
    Release(release::Release),
    Redeem(redeem::Redeem),
    Erase(erase::Erase),
    Events(events::Events),
    Token(token::Token),
    Repin(Repin),
}

/// What every relying party's command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    server: Server,
    /// The directory of this relying party [default: ~/.cyberid/rp].
    #[arg(long, value_name = "DIR", env = "CYBERID_RP_HOME")]
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

impl Rp {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Register(register) => register.run().await,
            Self::Adopt(adopt) => adopt.run().await,
            Self::Show(show) => show.run().await,
            Self::Renew(renew) => renew.run().await,
            Self::Keys(keys) => keys.run().await,
            Self::Verify(verify) => verify.run().await,
            Self::Result(look) => look.run().await,
            Self::Submit(submit) => submit.run().await,
            Self::Release(release) => release.run().await,
            Self::Redeem(redeem) => redeem.run().await,
            Self::Erase(erase) => erase.run().await,
            Self::Events(events) => events.run().await,
            Self::Token(token) => token.run().await,
            Self::Repin(repin) => repin.run("rp").await,
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

    const REGISTER: &str =
        "cyberid rp register --name A --domain a.example --contact c --deletion-contact d --use u.json";

    #[test]
    fn a_registration_goes_through_one_or_two_operators() {
        assert!(parses(&format!("{REGISTER} --sandbox")));
        assert!(parses(&format!("{REGISTER} --operator-key one")));
        assert!(parses(&format!(
            "{REGISTER} --operator-key one --operator-key two"
        )));
        assert!(!parses(REGISTER));
        assert!(!parses(&format!("{REGISTER} --operator-key one --sandbox")));
    }

    #[test]
    fn a_renewal_goes_through_operators_and_lasts_a_year_at_most() {
        assert!(parses("cyberid rp renew --sandbox --expires-in-days 365"));
        assert!(parses(
            "cyberid rp renew --operator-key one --registration r.json"
        ));
        assert!(!parses("cyberid rp renew"));
        assert!(!parses("cyberid rp renew --sandbox --expires-in-days 366"));
        assert!(parses("cyberid rp keys rotate --keep-signing --json"));
        assert!(!parses("cyberid rp keys"));
    }

    #[test]
    fn a_sandbox_is_adopted_in_so_many_words() {
        assert!(parses("cyberid rp adopt --sandbox"));
        assert!(!parses("cyberid rp adopt"));
    }

    #[test]
    fn a_verification_asks_checks_that_exist() {
        let asked = "cyberid rp verify --purpose register --check real_person --check age_over_18";
        assert!(parses(&format!("{asked} --factor pin --wait 0 --json")));
        assert!(parses(&format!("{asked} --direct")));
        assert!(!parses(&format!("{asked} --direct --wait 1")));
        assert!(!parses(&format!("{asked} --check age_over_19")));
        assert!(!parses(&format!("{asked} --factor retina")));
        assert!(!parses("cyberid rp verify --purpose register"));
    }

    #[test]
    fn a_release_asks_fields_that_exist() {
        let asked = "cyberid rp release --sub s --purpose deliver";
        assert!(parses(&format!(
            "{asked} --field name --field birth_date --wait 30"
        )));
        assert!(!parses(&format!("{asked} --field shoe_size")));
        assert!(!parses(asked));
    }

    #[test]
    fn a_token_is_for_one_call_or_for_a_sandbox() {
        assert!(parses("cyberid rp token"));
        assert!(parses("cyberid rp token --bearer --json"));
        assert!(Cli::try_parse_from(["cyberid", "rp", "token", "--call", "GET /v1/events"]).is_ok());
        assert!(Cli::try_parse_from(["cyberid", "rp", "token", "--bearer", "--call", "GET /a"]).is_err());
    }
}
