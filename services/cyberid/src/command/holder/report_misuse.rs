//! `cyberid holder report-misuse`

use std::process::ExitCode;

use clap::Args;
use cyberid_holder::Enrolment;
use cyberid_protocol::statement::Locale;

use super::Common;
use super::case::case_words;
use super::device::Device;
use super::person::PersonSource;
use super::pin::PinSource;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder report-misuse --home mine --sandbox-person 1 --pin 52719406
  cyberid holder report-misuse --home mine --person me.json --pin-file pin.txt";

/// Report that somebody else has the identifier of your person.
///
/// Shows your document with fresh evidence that you are its person. The identifier is suspended at once; if two operators agree, it
/// becomes this device's alone, with this PIN. You can then keep it, take a fresh number, or end it for ever.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ReportMisuse {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    common: Common,
}

impl ReportMisuse {
    pub(super) async fn run(self) -> Outcome {
        let pin = self.pin.chosen()?;
        let device = Device::begin(&self.common).await?;
        let person = self.person.read(device.holder.platform().client()).await?;
        let (document, evidence) = person.stated();
        let person = Enrolment {
            document,
            evidence,
            pin,
            locale: Locale::default(),
            guardian_consent: None,
        };
        let case = device.holder.report_misuse(&person).await?;
        device.begun()?;
        self.common.show().result(&case, case_words);
        Ok(ExitCode::SUCCESS)
    }
}
