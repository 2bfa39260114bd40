//! `cyberid holder withdraw`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::id::ConsentId;
use serde_json::json;

use super::Common;
use super::device::Device;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder withdraw con_c2FtcGxlLWNvbnNlbnQtaQ";

/// Withdraw a consent.
///
/// Withdrawing is as easy as granting: one call, no reason. The service is told to erase what it received, and the
/// ledger says so; the receipt of that is checked and kept.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Withdraw {
    /// The consent: `cyberid holder receipts` lists them.
    consent_id: ConsentId,
    #[command(flatten)]
    common: Common,
}

impl Withdraw {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let receipt = device.holder.withdraw(&self.consent_id).await?;
        let path = device.keep_receipt(&receipt).await?;
        let (id, index) = (&self.consent_id, receipt.index());
        let result = json!({"consent_id": id, "leaf_index": index, "receipt": path});
        self.common.show().result(&result, |_| {
            let path = Device::place(path.as_deref());
            format!("Withdrawn: leaf {index} of the ledger says so. The receipt, checked, is in {path}.")
        });
        Ok(ExitCode::SUCCESS)
    }
}
