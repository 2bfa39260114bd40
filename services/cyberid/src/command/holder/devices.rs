//! `cyberid holder device`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_protocol::device::{AlertView, DeviceAdded, DeviceView};
use serde_json::json;

use super::Common;
use super::device::Device;
use super::pin::PinSource;
use crate::command::Outcome;
use crate::command::outside::{moment, read_text_of};

const HELP: &str = "\
Examples:
  cyberid holder device add --home tablet > request.txt
  cyberid holder device approve --request request.txt --pin-file pin.txt
  cyberid holder device list
  cyberid holder device revoke 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// See your devices, add one, revoke one.
///
/// A new device asks (`add`), and one that you have approves it with your PIN (`approve`). The new one answers verifications
/// at once, and releases plaintext only after a cooling-off. All your devices are told of it.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Devices {
    // Each command describes itself: a description here would hide its own.
    List(List),
    Add(Add),
    Approve(Approve),
    Revoke(Revoke),
}

/// List your devices, and what happened to them and to your PIN.
///
/// One that you do not know is somebody else's: revoke it, and set your PIN anew.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid holder device list --json")]
pub(crate) struct List {
    #[command(flatten)]
    common: Common,
}

/// On the new device: make its key, and print the request that a device of yours approves.
///
/// The request is good for five minutes. It is no secret: it proves only that this device has its key.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid holder device add --home tablet > request.txt")]
pub(crate) struct Add {
    #[command(flatten)]
    common: Common,
}

/// On a device that you have: approve the request of a new one, with your PIN.
///
/// The new device answers verifications at once, and releases plaintext only after its cooling-off.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  cyberid holder device approve --request request.txt --pin-file pin.txt"
)]
pub(crate) struct Approve {
    /// What `cyberid holder device add` printed on the new device; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    common: Common,
}

/// Revoke a device that was lost: at once, and for good.
///
/// Any device of yours can do it, and needs no PIN. What the lost one had not finished is refused.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  cyberid holder device revoke 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)]
pub(crate) struct Revoke {
    /// The thumbprint of its key, as `cyberid holder device list` shows it.
    #[arg(allow_hyphen_values = true)]
    thumbprint: String,
    #[command(flatten)]
    common: Common,
}

impl Devices {
    pub(super) async fn run(self) -> Outcome {
        match self {
            Self::List(list) => list.run().await,
            Self::Add(add) => add.run().await,
            Self::Approve(approve) => approve.run().await,
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Outcome {
        let holder = Device::open(&self.common)?.holder;
        let (devices, alerts) = (holder.devices().await?, holder.alerts().await?);
        let result = json!({"devices": devices, "alerts": alerts});
        self.common.show().result(&result, |_| {
            let lines = devices.iter().map(device_words);
            let lines = lines.chain(alerts.iter().map(alert_words));
            lines.collect::<Vec<_>>().join("\n")
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self) -> Outcome {
        let device = Device::begin(&self.common).await?;
        let request = device.holder.device_request().await?;
        device.begun()?;
        let result = json!({"request": request, "thumbprint": device.holder.public_key().thumbprint()});
        self.common.show().result(&result, |_| request.clone());
        Ok(ExitCode::SUCCESS)
    }
}

impl Approve {
    async fn run(self) -> Outcome {
        let request = read_text_of(&self.request)?;
        let holder = Device::open(&self.common)?.holder;
        let added = holder.approve_device(&request, &self.pin.entered()?).await?;
        self.common.show().result(&added, added_words);
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    async fn run(self) -> Outcome {
        let holder = Device::open(&self.common)?.holder;
        holder.revoke_device(&self.thumbprint).await?;
        let result = json!({"revoked": self.thumbprint});
        self.common.show().result(&result, |_| {
            "Revoked: nothing that it signs counts any more.".to_owned()
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn added_words(added: &DeviceAdded) -> String {
    format!(
        "Added {}.\nIt can be verified with now, and releases plaintext from {} on. All your devices are told.",
        added.thumbprint,
        moment(added.release_from)
    )
}

fn device_words(device: &DeviceView) -> String {
    let waits = device.release_from.map_or_else(String::new, |from| {
        format!(", releases plaintext from {} on", moment(from))
    });
    let this = if device.this { " (this one)" } else { "" };
    format!(
        "device  {} since {}{waits}{this}",
        device.thumbprint,
        moment(device.bound_at)
    )
}

fn alert_words(alert: &AlertView) -> String {
    let device = alert.device.as_deref().unwrap_or_default();
    format!("alert   {}  {} {device}", moment(alert.time), alert.kind.as_str())
}
