//! `cyberid holder recover`

use std::process::ExitCode;

use clap::Args;
use cyberid_holder::Reproof;
use cyberid_protocol::device::Recovered;
use cyberid_protocol::enrolment::Enrolled;

use super::Common;
use super::device::Device;
use super::person::PersonSource;
use super::pin::PinSource;
use crate::command::Outcome;
use crate::command::outside::moment;

const HELP: &str = "\
Examples:
  cyberid holder recover --home new-phone --person me.json --pin-file pin.txt
  cyberid holder recover --home tablet --sandbox-person 1 --pin 83620517 --keep-others";

/// Get your identifier back on a new device, by fresh evidence of who you are.
///
/// All other devices are revoked at once, unless you keep them; the PIN is the one that you state now. The new device answers
/// verifications at once, and releases plaintext only after a cooling-off.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Recover {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    pin: PinSource,
    /// Keep your other devices: none was lost.
    #[arg(long)]
    keep_others: bool,
    #[command(flatten)]
    common: Common,
}

impl Recover {
    pub(super) async fn run(self) -> Outcome {
        let pin = self.pin.chosen()?;
        let device = Device::begin(&self.common).await?;
        let person = self.person.read(device.holder.platform().client()).await?;
        let (document, evidence) = person.stated();
        let reproof = Reproof {
            document,
            evidence,
            pin,
        };
        let recovered = device.holder.recover(&reproof, !self.keep_others).await?;
        device.begun()?;
        if let Some(credential) = &recovered.credential {
            device.enrolled(&Enrolled {
                network_number: recovered.network_number.clone(),
                credential: credential.clone(),
                credential_expires_at: recovered.credential_expires_at,
                status: recovered.status,
            })?;
        }
        self.common.show().result(&recovered, words);
        Ok(ExitCode::SUCCESS)
    }
}

fn words(recovered: &Recovered) -> String {
    format!(
        "Recovered. Your network number (网号) is {}.\nThis device can be verified with now, and releases plaintext from {} on.",
        recovered.network_number,
        moment(recovered.release_from)
    )
}
