//! `cyberid holder enrol`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_holder::Enrolment;
use cyberid_protocol::enrolment::Enrolled;
use cyberid_protocol::statement::Locale;

use super::Common;
use super::device::Device;
use super::passport::chip_in;
use super::person::PersonSource;
use super::pin::PinSource;
use crate::command::Outcome;
use crate::command::outside::{moment, read_text_of};

const HELP: &str = "\
Examples:
  cyberid holder enrol --sandbox-person 1 --pin 52719406
  curl -s localhost:8080/sandbox/people | jq '.people[4]' | cyberid holder enrol --person - --pin-file pin.txt
  cyberid holder enrol --person me.json --passport chip --pin-file pin.txt";

/// Enrol with an identity document, and receive a network number (网号) and certificate (网证).
///
/// Makes the device key, shows that this device holds it, and states the document with evidence that you are its person.
/// The platform's issuer, ledger key and witness policy are pinned now: from then on it has to stay what it is.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Enrol {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    pin: PinSource,
    /// The consent of a guardian, for whoever is under 18: what `cyberid holder guardian-consent` printed there.
    #[arg(long, value_name = "FILE")]
    guardian_consent: Option<PathBuf>,
    /// The directory with the chip of your passport, as `EF.SOD`, `EF.DG1` and perhaps `EF.DG2`.
    #[arg(long, value_name = "DIR")]
    passport: Option<PathBuf>,
    /// The language of messages to you: `zh-CN` or `en`.
    #[arg(long, value_name = "TAG", default_value = "zh-CN")]
    locale: Locale,
    #[command(flatten)]
    common: Common,
}

impl Enrol {
    pub(super) async fn run(self) -> Outcome {
        let pin = self.pin.chosen()?;
        let guardian_consent = self.guardian_consent.as_deref().map(read_text_of).transpose()?;
        let device = Device::begin(&self.common).await?;
        let person = self.person.read(device.holder.platform().client()).await?;
        let (document, mut evidence) = person.stated();
        if let Some(folder) = &self.passport {
            evidence.chip = Some(chip_in(folder)?);
        }
        let enrolment = Enrolment {
            document,
            evidence,
            pin,
            locale: self.locale,
            guardian_consent,
        };
        let enrolled = device.holder.enrol(&enrolment).await?;
        device.enrolled(&enrolled)?;
        let home = device.home.folder().display().to_string();
        self.common
            .show()
            .result(&enrolled, |enrolled| words(enrolled, &home));
        Ok(ExitCode::SUCCESS)
    }
}

fn words(enrolled: &Enrolled, home: &str) -> String {
    format!(
        "Enrolled. Your network number (网号) is {}.\n\
         Your certificate (网证) is valid until {}.\n\
         The device key lies in {home}: whoever has it can act as you, up to the PIN.",
        enrolled.network_number,
        moment(enrolled.credential_expires_at),
    )
}
