//! `cyberid holder receipts`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_client::ClientError;
use cyberid_crypto::json;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_holder::check_receipt;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::receipt::Receipt;
use serde::{Deserialize, Serialize};

use super::Common;
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::{Failure, moment, names, read_bytes};
use crate::terminal::note;

const HELP: &str = "\
Examples:
  cyberid holder receipts --check
  cyberid holder receipts ~/backup/con_c2FtcGxlLWNvbnNlbnQtaQ.json --check

Exit codes:
  0  all is good
  1  an error, or a receipt that proves nothing
  2  the command line is wrong";

/// List receipts, and check them without the platform.
///
/// Lists the receipts that this device keeps, and, where the platform answers, the consents that it knows of. A check
/// needs nothing but the device key's public half and the ledger key and witness policy that were pinned at enrolment:
/// it works with the platform switched off.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Receipts {
    /// Receipts in files; without any, those of this device and the platform's list.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Check each receipt.
    #[arg(long)]
    check: bool,
    /// Fetch and keep what the platform has and this device does not.
    #[arg(long, conflicts_with = "files")]
    fetch: bool,
    #[command(flatten)]
    common: Common,
}

/// What is listed.
#[derive(Debug, Serialize)]
struct Listed {
    receipts: Vec<Row>,
    /// What the platform knows; nothing where it was not asked, or does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    consents: Option<Vec<MyConsent>>,
}

/// One receipt.
#[derive(Debug, Serialize)]
struct Row {
    file: PathBuf,
    consent_id: ConsentId,
    controller_name: String,
    purpose: String,
    fields: Vec<Field>,
    kind: Option<&'static str>,
    time: Option<UnixTime>,
    /// `good`, or what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
}

/// The answer of `GET /v1/me/consents`.
#[derive(Debug, Deserialize)]
struct MyConsents {
    consents: Vec<MyConsent>,
}

/// One consent in it.
#[derive(Debug, Serialize, Deserialize)]
struct MyConsent {
    consent_id: ConsentId,
    release_id: ReleaseId,
    rp: ClientId,
    status: ReleaseStatus,
    purpose: String,
    fields: Vec<Field>,
    granted_at: UnixTime,
    events: Vec<MyEvent>,
}

/// One event of it.
#[derive(Debug, Serialize, Deserialize)]
struct MyEvent {
    kind: LeafKind,
    time: UnixTime,
}

const GOOD: &str = "good";

impl Receipts {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let (receipts, consents) = if self.files.is_empty() {
            let consents = self.consents(&device).await?;
            (device.receipts()?, consents)
        } else {
            (read(&self.files)?, None)
        };
        let rows = receipts.into_iter();
        let mut receipts: Vec<Row> = rows
            .map(|(file, receipt)| self.row(&device, file, receipt))
            .collect();
        // A consent and its withdrawal may be of one second.
        receipts.sort_by_key(|row| (row.time, row.kind));
        let listed = Listed { receipts, consents };
        self.common.show().result(&listed, words);
        Ok(if listed.is_good() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// What the platform lists; its silence is no error, unless something was to be fetched.
    async fn consents(&self, device: &Device) -> Result<Option<Vec<MyConsent>>, Failure> {
        let consents = match device.holder.session().get::<MyConsents>("/v1/me/consents").await {
            Ok(MyConsents { consents }) => consents,
            Err(ClientError::Unreachable(cause)) if !self.fetch => {
                note(&format!(
                    "The platform does not answer ({cause}): only what is kept here is listed."
                ));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if self.fetch {
            fetch_missing(device, &consents).await?;
        }
        Ok(Some(consents))
    }

    fn row(&self, device: &Device, file: PathBuf, receipt: Receipt) -> Row {
        let leaf = Leaf::from_text(&receipt.leaf).ok();
        let Receipt { record, .. } = &receipt;
        Row {
            file,
            consent_id: record.id().clone(),
            controller_name: record.controller_name().to_owned(),
            purpose: record.purpose().to_owned(),
            fields: record.granted(),
            kind: leaf.as_ref().map(|leaf| leaf.kind.as_str()),
            time: leaf.map(|leaf| leaf.time),
            check: self.check.then(|| check(device, receipt)),
        }
    }
}

impl Listed {
    /// Whether no receipt that was checked is wrong.
    fn is_good(&self) -> bool {
        let checks = self.receipts.iter().filter_map(|row| row.check.as_deref());
        checks.into_iter().all(|check| check == GOOD)
    }
}

fn check(device: &Device, receipt: Receipt) -> String {
    let anchors = device.holder.platform().anchors();
    match check_receipt(receipt, anchors, &device.holder.public_key()) {
        Ok(_) => GOOD.into(),
        Err(why) => why.to_string(),
    }
}

async fn fetch_missing(device: &Device, consents: &[MyConsent]) -> Result<(), Failure> {
    let kept: Vec<(ConsentId, String)> = device
        .receipts()?
        .into_iter()
        .map(|(_, receipt)| (receipt.record.id().clone(), receipt.leaf))
        .collect();
    let is_kept = |id: &ConsentId, kind: LeafKind| {
        let mut leaves = kept.iter().filter(|(of, _)| of == id);
        leaves.any(|(_, leaf)| Leaf::from_text(leaf).is_ok_and(|leaf| leaf.kind == kind))
    };
    for consent in consents {
        let id = &consent.consent_id;
        for event in consent.events.iter().filter(|event| !is_kept(id, event.kind)) {
            let receipt = device.holder.receipt_of(id, event.kind).await?;
            let path = device.keep_receipt(&receipt).await?;
            note(&format!(
                "Fetched, checked and kept: {}",
                Device::place(path.as_deref())
            ));
        }
    }
    Ok(())
}

fn read(files: &[PathBuf]) -> Result<Vec<(PathBuf, Receipt)>, Failure> {
    let read = files.iter().map(|file| {
        let receipt = json::from_slice(&read_bytes(file)?);
        let receipt = receipt.map_err(|error| format!("{} is no receipt: {error}", file.display()))?;
        Ok((file.clone(), receipt))
    });
    read.collect()
}

fn words(listed: &Listed) -> String {
    let mut lines: Vec<String> = listed.receipts.iter().map(row_words).collect();
    if lines.is_empty() {
        lines.push("No receipts are kept here.".into());
    }
    let consents = listed.consents.iter().flatten();
    lines.extend(consents.map(|consent| {
        let kept = listed
            .receipts
            .iter()
            .any(|row| row.consent_id == consent.consent_id);
        format!(
            "The platform says: {} is {}{}",
            consent.consent_id,
            standing(consent.status),
            if kept {
                ""
            } else {
                "; no receipt is kept here, `--fetch` brings it"
            },
        )
    }));
    lines.join("\n")
}

/// Where a release stands, in words that need no explaining.
fn standing(status: ReleaseStatus) -> &'static str {
    match status {
        ReleaseStatus::Presumed => {
            "presumed delivered: the platform stopped on the way, and your data may have left"
        }
        status => status.as_str(),
    }
}

fn row_words(row: &Row) -> String {
    let check = row
        .check
        .as_ref()
        .map(|check| format!("\n  check: {check}"))
        .unwrap_or_default();
    format!(
        "{}  {}  {}\n  {} to {}, for {}\n  {}{check}",
        row.consent_id,
        row.kind.unwrap_or("unreadable leaf"),
        row.time.map(moment).unwrap_or_default(),
        names(&row.fields, Field::as_str),
        row.controller_name,
        row.purpose,
        row.file.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_left_is_said_in_words() {
        let consent = serde_json::json!({
            "consent_id": "con_AAAAAAAAAAAAAAAAAAAAAA", "release_id": "rel_AAAAAAAAAAAAAAAAAAAAAA",
            "rp": "AAAAAAAAAAAAAAAAAAAAAA", "status": "presumed", "purpose": "deliver", "fields": ["name"],
            "granted_at": 1, "events": []});
        let listed = Listed {
            receipts: Vec::new(),
            consents: Some(vec![serde_json::from_value(consent).unwrap()]),
        };
        let said = words(&listed);
        assert!(
            said.contains("presumed") && said.contains("may have left"),
            "{said}"
        );
    }
}
