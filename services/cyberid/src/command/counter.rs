//! `cyberid counter`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use cyberid_client::Session;
use cyberid_crypto::{Sign, Suite};
use cyberid_domain::UnixTime;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{Code, Enrolment, Holder, Platform, Reproof, Tree};
use cyberid_protocol::statement::Locale;
use serde_json::{Value, json};

use super::Outcome;
use super::holder::device::station;
use super::holder::person::PersonSource;
use super::holder::pin::PinSource;
use super::outside::{ClientKey, Failure, Home, SandboxKeys, Server, call_as, moment};
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid counter enrol --station-key clerk.json --person me.json --pin-file pin.txt | lp
  cyberid counter sheet --station-key clerk.json --person me.json --pin-file pin.txt | lp
  cyberid holder approve ver_YUxXbTdLV1RqRlN6ZVhGbw --home counter --code code.txt --code-pin-file pin.txt

With a sheet the person acts at any counter: `cyberid holder approve|release|withdraw|show --code`, one code for each.";

/// Assist people who have no smartphone: enrol them, and print a sheet of one-time codes.
///
/// Each code is, with the person's PIN, a device key that acts once. The sheet is printed once; the station keeps nothing of it,
/// and the platform keeps, and tells the person, which operator assisted.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Counter {
    // Each command describes itself: a description here would hide its own.
    Ready(Ready),
    Enrol(EnrolHere),
    Sheet(FreshSheet),
}

/// Get a station ready: pin the platform that it will speak with.
///
/// Do it once, over a connection that you trust: from then on it takes nobody else for the platform.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid counter ready --server https://id.example --home counter")]
pub(crate) struct Ready {
    #[command(flatten)]
    here: Here,
}

/// Enrol a person with their document and evidence, and print their sheet.
///
/// The first code can be used for anything at once; the others release plaintext only after the cooling-off.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  cyberid counter enrol --station-key clerk.json --person me.json --pin-file pin.txt | lp"
)]
pub(crate) struct EnrolHere {
    #[command(flatten)]
    sheet: Sheet,
    /// The language of messages to the person: `zh-CN` or `en`.
    #[arg(long, value_name = "TAG", default_value = "zh-CN")]
    locale: Locale,
}

/// Print a fresh sheet for a person who is enrolled, by fresh evidence.
///
/// What is left of an earlier sheet is revoked at once, and every device, unless they are kept. The PIN is the one stated now.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  cyberid counter sheet --station-key clerk.json --person me.json --pin-file pin.txt | lp"
)]
pub(crate) struct FreshSheet {
    #[command(flatten)]
    sheet: Sheet,
    /// Keep the person's devices and earlier codes: none was lost.
    #[arg(long)]
    keep_others: bool,
}

#[derive(Debug, Args)]
struct Here {
    #[command(flatten)]
    server: Server,
    /// The directory of this station [default: ~/.cyberid/counter].
    #[arg(long, value_name = "DIR", env = "CYBERID_COUNTER_HOME")]
    home: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Sheet {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    pin: PinSource,
    /// How many codes.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=20))]
    codes: u8,
    /// The station's operator's `{"client_id", "signing_jwk"}`, in a file that its owner alone can read.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "sandbox",
        conflicts_with = "sandbox"
    )]
    station_key: Option<PathBuf>,
    /// Assist as the first operator of the server's sandbox.
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    here: Here,
}

/// A code and the key that it is with the PIN.
struct Made {
    code: Code,
    key: Arc<dyn Sign>,
}

/// Since when the codes release plaintext; the first code of an enrolment does at once.
#[derive(Clone, Copy)]
struct Release {
    first: Option<UnixTime>,
    others: Option<UnixTime>,
}

impl Release {
    /// The moment from which all codes do.
    fn all(self) -> Option<UnixTime> {
        self.first.max(self.others)
    }

    fn words(self) -> (String, String) {
        match (self.first, self.all()) {
            (_, None) => (
                "这个代码可立即用于任何事项。".into(),
                "This code is good for anything at once.".into(),
            ),
            (None, Some(from)) => (
                format!(
                    "第一个代码可立即用于任何事项;其余代码自 {} 起才可用于提供明文信息。",
                    moment(from)
                ),
                format!(
                    "The first code is good for anything at once; the others release plaintext from {} on.",
                    moment(from)
                ),
            ),
            (Some(_), Some(from)) => (
                format!("这些代码自 {} 起才可用于提供明文信息。", moment(from)),
                format!("These codes release plaintext from {} on.", moment(from)),
            ),
        }
    }
}

impl Counter {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Ready(ready) => ready.run().await,
            Self::Enrol(enrol) => enrol.run().await,
            Self::Sheet(sheet) => sheet.run().await,
        }
    }
}

impl Ready {
    async fn run(self) -> Outcome {
        let platform = self.here.platform().await?;
        let ready = json!({"issuer": platform.issuer()});
        Show::json(self.here.json).result(&ready, |_| {
            format!("Ready. This station speaks with {}.", platform.issuer())
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl EnrolHere {
    async fn run(self) -> Outcome {
        let pin = self.sheet.pin.chosen()?;
        let (station, holder, made) = self.sheet.begin(&pin).await?;
        let (document, evidence) = self.sheet.person.read(holder.platform().client()).await?.stated();
        let enrolment = Enrolment {
            document,
            evidence,
            pin,
            locale: self.locale,
            guardian_consent: None,
        };
        let rest: Vec<_> = made.iter().skip(1).map(|made| Arc::clone(&made.key)).collect();
        let answer = holder.enrol_at_counter(&station, &enrolment, &rest).await?;
        let number = &answer.enrolled.network_number;
        let release = Release {
            first: None,
            others: answer.release_from,
        };
        self.sheet.print(number, &made, &answer.bound, release);
        Ok(ExitCode::SUCCESS)
    }
}

impl FreshSheet {
    async fn run(self) -> Outcome {
        let pin = self.sheet.pin.chosen()?;
        let (station, holder, made) = self.sheet.begin(&pin).await?;
        let (document, evidence) = self.sheet.person.read(holder.platform().client()).await?.stated();
        let reproof = Reproof {
            document,
            evidence,
            pin,
        };
        let rest: Vec<_> = made.iter().skip(1).map(|made| Arc::clone(&made.key)).collect();
        let answer = holder
            .recover_at_counter(&station, &reproof, !self.keep_others, &rest)
            .await?;
        let recovered = &answer.recovered;
        let release = Release {
            first: Some(recovered.release_from),
            others: answer.release_from,
        };
        self.sheet
            .print(&recovered.network_number, &made, &answer.bound, release);
        Ok(ExitCode::SUCCESS)
    }
}

impl Here {
    async fn platform(&self) -> Result<Platform, Failure> {
        station(&self.server, &Home::open(self.home.as_deref(), "counter")?).await
    }
}

impl Sheet {
    /// The operator's session, the first code's device, and all codes.
    async fn begin(&self, pin: &Pin) -> Result<(Session, Holder, Vec<Made>), Failure> {
        let platform = self.here.platform().await?;
        let made: Vec<_> = (0..self.codes).map(|_| make(pin, platform.suite())).collect();
        let session = self.session(&platform).await?;
        let first = made.first().ok_or("a sheet has a code")?;
        let (clock, rng) = (Arc::new(cyberid_domain::clock::SystemClock), Arc::new(SystemRng));
        let holder = Holder::resume(platform, Tree::default(), first.key.clone(), clock, rng)?;
        Ok((session, holder, made))
    }

    async fn session(&self, platform: &Platform) -> Result<Session, Failure> {
        let client = platform.client().clone();
        let key = if let Some(file) = &self.station_key {
            ClientKey::load(file).map_err(|error| format!("the station's key {}: {error}", file.display()))?
        } else {
            let operators = SandboxKeys::fetch(&client).await?.operators;
            let first = operators.into_iter().next();
            first.ok_or("the sandbox has no operator")?
        };
        Ok(call_as(&key, client, platform.issuer())?)
    }

    /// Prints the codes whose keys are bound, once.
    fn print(&self, number: &NetworkNumber, made: &[Made], bound: &[String], release: Release) {
        let good: Vec<_> = made
            .iter()
            .filter(|made| bound.iter().any(|jkt| jkt == made.key.kid()))
            .map(|made| made.code.text())
            .collect();
        let codes: Vec<Value> = good
            .iter()
            .zip(1..)
            .map(|(code, nth)| json!({"number": nth, "code": code.as_str()}))
            .collect();
        let result = json!({"network_number": number, "codes": codes, "release_from": release.all()});
        let lines: Vec<_> = good
            .iter()
            .zip(1..)
            .map(|(code, nth): (_, u8)| format!("  [ ] {nth:>2}.  {}", code.as_str()))
            .collect();
        Show::json(self.here.json).result(&result, |_| sheet_words(number, &lines, release));
    }
}

fn make(pin: &Pin, suite: Suite) -> Made {
    loop {
        let code = Code::make(&SystemRng);
        if let Ok(key) = code.key(pin, suite) {
            let key = Arc::new(key);
            return Made { code, key };
        }
    }
}

fn sheet_words(number: &NetworkNumber, codes: &[String], release: Release) -> String {
    let (zh, en) = release.words();
    format!(
        "CyberID  一次性代码 · One-time codes\n\
         网号 · Network number: {number}\n\n{}\n\n\
         每个代码只能用一次,须同时输入您的密码(PIN)。用过的请划去。请勿把密码写在本页上。\n\
         {zh}\n\
         遗失本页,请携带证件到任一柜台:旧代码即刻作废,并换发新页。\n\n\
         Each code is good once, with your PIN. Tick it off. Do not write the PIN on this page.\n\
         {en}\n\
         If this page is lost, bring your document to any counter: its codes end at once, and you get a new page.",
        codes.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn a_station_names_a_person_an_operator_and_a_number_of_codes() {
        assert!(parses("cyberid counter ready --home counter"));
        assert!(parses(
            "cyberid counter enrol --sandbox --sandbox-person 1 --codes 5 --pin 52719406"
        ));
        assert!(parses(
            "cyberid counter sheet --station-key k --person me.json --pin-file pin --keep-others"
        ));
        assert!(!parses("cyberid counter enrol --sandbox-person 1"));
        assert!(!parses(
            "cyberid counter enrol --sandbox --sandbox-person 1 --codes 21"
        ));
        assert!(!parses(
            "cyberid counter enrol --sandbox --sandbox-person 1 --codes 0"
        ));
        assert!(parses(
            "cyberid holder approve ver_x --code c --code-pin-file p --yes"
        ));
        assert!(!parses("cyberid holder approve ver_x --code-pin-file p"));
    }

    #[test]
    fn a_sheet_says_in_both_languages_what_it_is() {
        let number = NetworkNumber::random(&SystemRng);
        let words =
            |first, others| sheet_words(&number, &["  [ ]  1.  0W3G".into()], Release { first, others });
        let at = Some(UnixTime(1_795_691_200));
        for said in [
            number.to_string().as_str(),
            "0W3G",
            "PIN",
            "第一个代码",
            "The first code",
        ] {
            assert!(words(None, at).contains(said), "{said}");
        }
        assert!(words(at, at).contains("These codes release plaintext from 2026-11-26"));
        assert!(words(None, None).contains("This code is good for anything at once"));
    }
}
