//! `cyberid holder key`

use std::process::ExitCode;

use clap::Args;
use cyberid_crypto::Suite;
use serde_json::json;

use super::Common;
use super::device::Device;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder key
  cyberid holder guardian-consent --ward-key \"$(cyberid holder key --home child)\"";

/// Print the thumbprint of this device's key, and make the key if there is none yet.
///
/// Whoever enrols with a guardian's consent hands it to the guardian first: the consent is for this key alone.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowKey {
    /// The suite of the platform that the key is for, where one is made: `nist` or `sm`.
    #[arg(long, value_name = "SUITE", default_value = "nist")]
    suite: Suite,
    #[command(flatten)]
    common: Common,
}

impl ShowKey {
    pub(super) fn run(self) -> Outcome {
        let thumbprint = Device::key(&self.common, self.suite)?.signer().kid().to_owned();
        let key = json!({"thumbprint": thumbprint});
        self.common.show().result(&key, |_| thumbprint.clone());
        Ok(ExitCode::SUCCESS)
    }
}
