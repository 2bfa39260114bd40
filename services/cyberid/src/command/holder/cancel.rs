//! `cyberid holder cancel`

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Common;
use super::device::Device;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder cancel --for-ever";

/// End the identifier for ever, and have everything erased.
///
/// Every consent is withdrawn, and services are told; the record is destroyed at both key holders; the platform forgets
/// what your leaves in the ledger were about. Receipts that are kept here still prove what they proved.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Cancel {
    /// Say that you mean it: nothing brings the identifier back.
    #[arg(long, required = true)]
    for_ever: bool,
    #[command(flatten)]
    common: Common,
}

impl Cancel {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        device.holder.cancel().await?;
        let result = json!({"status": "cancelled"});
        self.common.show().result(&result, |_| {
            "Cancelled: every consent is withdrawn, and everything is erased.".to_owned()
        });
        Ok(ExitCode::SUCCESS)
    }
}
