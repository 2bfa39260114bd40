//! `cyberid holder suspend`, `resume`, `renew`, `new-number`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_protocol::enrolment::Enrolled;
use cyberid_protocol::life::{LifeAnswer, Renewed};

use super::Common;
use super::device::Device;
use super::person::{Person, sandbox_person};
use super::pin::PinSource;
use crate::command::Outcome;
use crate::command::outside::{Failure, moment, names, read_bytes};

const SUSPEND_HELP: &str = "\
Examples:
  cyberid holder suspend";

/// Suspend your identifier, at once: nothing passes and nothing is released until you resume.
///
/// For a phone that may be in other hands, from any device that is left. `cyberid holder resume` lifts it.
#[derive(Debug, Args)]
#[command(after_long_help = SUSPEND_HELP)]
pub(crate) struct Suspend {
    #[command(flatten)]
    common: Common,
}

const RESUME_HELP: &str = "\
Examples:
  cyberid holder resume --pin-file pin.txt";

/// Lift your own suspension, with the PIN.
///
/// What operators or a document stand against is not lifted by it: the answer says what is left.
#[derive(Debug, Args)]
#[command(after_long_help = RESUME_HELP)]
pub(crate) struct Resume {
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    common: Common,
}

const RENEW_HELP: &str = "\
Examples:
  cyberid holder renew
  cyberid holder renew --person me.json";

/// Renew the network certificate (网证): for six months, or until the document's end.
///
/// Before it ends the device alone renews it. Once it has expired, your document and fresh evidence are needed.
#[derive(Debug, Args)]
#[command(after_long_help = RENEW_HELP)]
pub(crate) struct Renew {
    /// The document and fresh evidence, as `cyberid holder enrol` takes them; `-` reads them from the input.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox_person")]
    person: Option<PathBuf>,
    /// Take the evidence of this person of the server's sandbox, counted from 1.
    #[arg(long, value_name = "N")]
    sandbox_person: Option<NonZeroUsize>,
    #[command(flatten)]
    common: Common,
}

const NEW_NUMBER_HELP: &str = "\
Examples:
  cyberid holder new-number --json";

/// Take a fresh network number (网号) in the place of yours, once in 30 days.
///
/// Services notice nothing: pseudonyms and devices stay. The old number is nobody's again. This device signs for the fresh
/// one, so that nobody else binds your record to another.
#[derive(Debug, Args)]
#[command(after_long_help = NEW_NUMBER_HELP)]
pub(crate) struct NewNumber {
    #[command(flatten)]
    common: Common,
}

impl Suspend {
    pub(super) async fn run(self) -> Outcome {
        let answer = Device::open(&self.common)?.holder.suspend().await?;
        self.common.show().result(&answer, standing);
        Ok(ExitCode::SUCCESS)
    }
}

impl Resume {
    pub(super) async fn run(self) -> Outcome {
        let pin = self.pin.entered()?;
        let answer = Device::open(&self.common)?.holder.resume_identifier(&pin).await?;
        self.common.show().result(&answer, standing);
        Ok(ExitCode::SUCCESS)
    }
}

impl Renew {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let stated = self.person(&device).await?.map(Person::stated);
        let proof = stated.as_ref().map(|(document, evidence)| (document, evidence));
        let renewed = device.holder.renew(proof).await?;
        keep(&device, &renewed)?;
        self.common.show().result(&renewed, words);
        Ok(ExitCode::SUCCESS)
    }

    async fn person(&self, device: &Device) -> Result<Option<Person>, Failure> {
        Ok(match (&self.person, self.sandbox_person) {
            (Some(path), _) => Some(Person::from_json(&read_bytes(path)?)?),
            (None, Some(nth)) => {
                let client = device.holder.platform().client();
                Some(sandbox_person(client, nth.get()).await?)
            }
            (None, None) => None,
        })
    }
}

impl NewNumber {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let renewed = device.holder.renumber().await?;
        keep(&device, &renewed)?;
        self.common.show().result(&renewed, words);
        Ok(ExitCode::SUCCESS)
    }
}

fn keep(device: &Device, renewed: &Renewed) -> Result<(), Failure> {
    device.enrolled(&Enrolled {
        network_number: renewed.network_number.clone(),
        credential: renewed.credential.clone(),
        credential_expires_at: renewed.credential_expires_at,
        status: renewed.status,
    })
}

pub(super) fn standing(answer: &LifeAnswer) -> String {
    let reasons = names(&answer.suspended_for, cyberid_domain::subject::LifeReason::as_str);
    match reasons.as_str() {
        "" => format!("The identifier is {}.", answer.status.as_str()),
        reasons => format!("The identifier is {}, for: {reasons}.", answer.status.as_str()),
    }
}

fn words(renewed: &Renewed) -> String {
    format!(
        "Your network number (网号) is {}.\nYour certificate (网证) is valid until {}.",
        renewed.network_number,
        moment(renewed.credential_expires_at)
    )
}
