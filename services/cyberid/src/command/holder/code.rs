//! `cyberid holder code`

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::device::Device;
use super::{Common, NOT_ANSWERED};
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid holder code
  cyberid holder code --json";

/// Show a code at a counter, and wait for the question that it brings.
///
/// Prints the code at once, for a QR code. The service sends it with its question, which is then for this device alone. The code
/// is good for half a minute, once; what it led to is printed as the address to approve. With `--json`, one object for each.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowCode {
    #[command(flatten)]
    common: Common,
}

impl ShowCode {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let made = device.holder.make_code().await?;
        let show = self.common.show();
        show.result(&made, |made| {
            format!("{}\nGood once, for {} seconds.", made.code, made.expires_in)
        });
        let Some(address) = device.holder.await_code(&made.code).await? else {
            show.result(&json!({"request_uri": null}), |_| "Nobody used it.".into());
            return Ok(ExitCode::from(NOT_ANSWERED));
        };
        let led_to = json!({"request_uri": address});
        show.result(&led_to, |_| {
            format!("To answer: cyberid holder approve {address}")
        });
        Ok(ExitCode::SUCCESS)
    }
}
