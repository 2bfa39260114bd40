//! `cyberid holder show`

use std::process::ExitCode;

use clap::Args;
use cyberid_protocol::enrolment::Me;

use super::Common;
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::moment;

const HELP: &str = "\
Examples:
  cyberid holder show --json";

/// Show what the platform knows of this holder.
///
/// Number, status, devices, and the ages that were reached: the platform's side keeps no name in clear.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowMe {
    #[command(flatten)]
    common: Common,
}

impl ShowMe {
    pub(super) async fn run(self) -> Outcome {
        let me = Device::open(&self.common)?.holder.me().await?;
        self.common.show().result(&me, words);
        Ok(ExitCode::SUCCESS)
    }
}

fn status(me: &Me) -> String {
    let reasons: Vec<&str> = me.suspended_for.iter().map(|reason| reason.as_str()).collect();
    match reasons.as_slice() {
        [] => me.status.as_str().to_owned(),
        reasons => format!("{}, for: {}", me.status.as_str(), reasons.join(", ")),
    }
}

fn words(me: &Me) -> String {
    let ages: Vec<String> = me.age_over.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!("network number (网号)  {}", me.network_number),
        format!("status                 {}", status(me)),
        format!(
            "certificate (网证)     until {}",
            moment(me.credential_expires_at)
        ),
        format!("at least               {} years old", ages.join(", ")),
    ];
    lines.extend(me.devices.iter().map(|device| {
        format!(
            "device                 {} since {}",
            device.thumbprint,
            moment(device.bound_at)
        )
    }));
    lines.join("\n")
}
