//! `cyberid holder guardian-consent`

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Common;
use super::device::Device;
use crate::command::Outcome;
use crate::terminal::{line, note};

const HELP: &str = "\
Examples:
  cyberid holder guardian-consent --ward-key 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I > consent.jws
  cyberid holder enrol --home child --sandbox-person 7 --guardian-consent consent.jws";

/// Agree, as a guardian, that a minor enrols with another device.
///
/// Prints a signed consent to hand over: good for that device key alone, once, for ten minutes. That you are the child's guardian
/// is your own word; no register confirms it.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct GuardianConsent {
    /// The thumbprint of the child's device key, as `cyberid holder key` prints it there.
    #[arg(long, value_name = "THUMBPRINT", allow_hyphen_values = true)]
    ward_key: String,
    #[command(flatten)]
    common: Common,
}

impl GuardianConsent {
    pub(super) fn run(self) -> Outcome {
        let consent = Device::open(&self.common)?
            .holder
            .guardian_consent(&self.ward_key)?;
        if self.common.json {
            line(&json!({"guardian_consent": consent}).to_string());
        } else {
            note("Hand this to the child's device: it is good for ten minutes.");
            line(&consent);
        }
        Ok(ExitCode::SUCCESS)
    }
}
