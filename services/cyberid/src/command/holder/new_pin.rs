//! `cyberid holder pin`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_client::key_file::read_private;
use cyberid_domain::pin::{InvalidPin, Pin};
use cyberid_holder::Reproof;
use serde_json::json;

use super::Common;
use super::device::Device;
use super::person::PersonSource;
use super::pin::{PinError, PinSource};
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder pin change --pin-file old.txt --new-pin-file new.txt
  cyberid holder pin reset --person me.json --new-pin-file new.txt";

/// Change your PIN, or set it anew when you have forgotten it.
///
/// All your devices are told of it.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum NewPin {
    // Each command describes itself: a description here would hide its own.
    Change(Change),
    Reset(Reset),
}

/// Change the PIN with the old one.
///
/// A wrong old PIN counts as an attempt, and attempts are few.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  cyberid holder pin change --pin-file old.txt --new-pin-file new.txt"
)]
pub(crate) struct Change {
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    new: NewPinSource,
    #[command(flatten)]
    common: Common,
}

/// Set the PIN anew by fresh evidence of who you are.
///
/// A lock after too many attempts is lifted.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid holder pin reset --person me.json --new-pin-file new.txt")]
pub(crate) struct Reset {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    new: NewPinSource,
    #[command(flatten)]
    common: Common,
}

/// The PIN from now on.
#[derive(Debug, Args)]
pub(crate) struct NewPinSource {
    /// The eight new digits; others on this machine may see them in the list of processes.
    #[arg(
        long,
        value_name = "DIGITS",
        conflicts_with = "new_pin_file",
        required_unless_present = "new_pin_file"
    )]
    new_pin: Option<String>,
    /// A file with the eight new digits, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
}

impl NewPinSource {
    fn chosen(&self) -> Result<Pin, PinError> {
        let text = match &self.new_pin_file {
            Some(path) => {
                let bytes = read_private(path)?;
                let text = str::from_utf8(&bytes).map_err(|_| InvalidPin::NotEightDigits)?;
                text.trim().to_owned()
            }
            None => self.new_pin.clone().ok_or(PinError::Missing)?,
        };
        Ok(Pin::chosen(text)?)
    }
}

impl NewPin {
    pub(super) async fn run(self) -> Outcome {
        match self {
            Self::Change(change) => change.run().await,
            Self::Reset(reset) => reset.run().await,
        }
    }
}

impl Change {
    async fn run(self) -> Outcome {
        let (pin, new_pin) = (self.pin.entered()?, self.new.chosen()?);
        let holder = Device::open(&self.common)?.holder;
        holder.change_pin(&pin, &new_pin).await?;
        done(&self.common);
        Ok(ExitCode::SUCCESS)
    }
}

impl Reset {
    async fn run(self) -> Outcome {
        let pin = self.new.chosen()?;
        let holder = Device::open(&self.common)?.holder;
        let person = self.person.read(holder.platform().client()).await?;
        let (document, evidence) = person.stated();
        let reproof = Reproof {
            document,
            evidence,
            pin,
        };
        holder.reset_pin(&reproof).await?;
        done(&self.common);
        Ok(ExitCode::SUCCESS)
    }
}

fn done(common: &Common) {
    let result = json!({"pin": "set"});
    common.show().result(&result, |_| {
        "The PIN is set. All your devices are told.".to_owned()
    });
}
