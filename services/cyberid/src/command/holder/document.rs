//! `cyberid holder document`

use std::process::ExitCode;

use clap::Args;

use super::Common;
use super::device::Device;
use super::life::standing;
use super::person::PersonSource;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder document --person me.json
  cyberid holder document --sandbox-person 1 --json";

/// Prove a valid document of yours again, with fresh evidence.
///
/// It takes the place of the one in your record. What was suspended because that one was lost or withdrawn is suspended for
/// it no more; network number, devices and pseudonyms stay.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ProveDocument {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    common: Common,
}

impl ProveDocument {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let person = self.person.read(device.holder.platform().client()).await?;
        let (document, evidence) = person.stated();
        let answer = device.holder.prove_document(&document, &evidence).await?;
        self.common.show().result(&answer, standing);
        Ok(ExitCode::SUCCESS)
    }
}
