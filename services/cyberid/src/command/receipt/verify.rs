//! `cyberid receipt verify`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_holder::{VerifiedReceipt, verify_receipt};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::statement::Version;
use serde::Serialize;
use serde_json::json;

use super::trust::{Origin, Trust, Trusted};
use super::{NOT_CHECKED, NoReceipt, read};
use crate::command::Outcome;
use crate::command::outside::{moment, names};
use crate::terminal::{Show, failure, paint};

const GREEN: &str = "32";
const RED: &str = "31";

const HELP: &str = "\
Examples:
  cyberid receipt verify con_c2FtcGxlLWNvbnNlbnQtaQ.json
  cyberid receipt verify receipt.json --vkey 'id.example/ledger+1f0e...' --policy-file policy.txt --json

Exit codes:
  0  the receipt is good, under a ledger that you trust
  1  the file is no receipt, or one that proves nothing
  2  the file cannot be read, nothing says which ledger to trust, or the command line is wrong";

/// Check a receipt without the platform.
///
/// Checks the device's signature under the consent, that the consent says what was asked and shown, that the record and
/// the leaf say what the consent says, that the leaf is in the ledger, and that the ledger and its witnesses signed it.
///
/// The ledger's key and witness policy come from `--vkey` and `--policy-file`, else from the device that enrolled here.
/// Those in the file are the word of whoever made it, and are only compared.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Verify {
    /// The receipt, or `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a good receipt proves.
#[derive(Debug, Serialize)]
struct Proved {
    good: bool,
    anchors: Origin,
    /// The platform, as trusted or as the file says.
    issuer: String,
    issuer_known: bool,
    consent_id: String,
    release_id: String,
    client_id: String,
    controller_name: String,
    domain: String,
    purpose: String,
    granted: Vec<Field>,
    refused: Vec<Field>,
    device: String,
    statement: Version,
    life: Vec<Event>,
    ledger: String,
    leaf_index: u64,
    ledger_size: u64,
    witnesses: Vec<Seen>,
    unknown_signatures: usize,
    /// Whether the file names the policy that it was checked by; absent if it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    names_policy: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Event {
    kind: LeafKind,
    time: UnixTime,
}

#[derive(Debug, Serialize)]
struct Seen {
    witness: String,
    time: UnixTime,
}

impl Verify {
    #[expect(clippy::unnecessary_wraps, reason = "a command ends like every other")]
    pub(super) fn run(self) -> Outcome {
        let show = Show::json(self.json);
        let receipt = match read(&self.file) {
            Ok(receipt) => receipt,
            Err(NoReceipt::Unreadable(error)) => return Ok(not_checked(&*error)),
            Err(error) => return Ok(refused(&error.to_string(), show)),
        };
        let trusted = match self.trust.decide(&receipt) {
            Ok(trusted) => trusted,
            Err(error) => return Ok(not_checked(&*error)),
        };
        match verify_receipt(receipt, &trusted.anchors) {
            Ok(verified) => {
                show.result(&Proved::by(&verified, &trusted), words);
                Ok(ExitCode::SUCCESS)
            }
            Err(why) => Ok(refused(&why.to_string(), show)),
        }
    }
}

fn not_checked(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ExitCode {
    failure(error);
    ExitCode::from(NOT_CHECKED)
}

fn refused(why: &str, show: Show) -> ExitCode {
    show.result(&json!({"good": false, "why": why}), |_| {
        format!("{} {why}", paint(RED, "Proves nothing:"))
    });
    ExitCode::FAILURE
}

impl Proved {
    fn by(verified: &VerifiedReceipt, trusted: &Trusted) -> Self {
        let (record, request) = (&verified.receipt().record, verified.request());
        let granted = record.granted();
        let refused = request.fields.iter().filter(|field| !granted.contains(field));
        let witnesses = verified.cosignatures().iter().map(|cosignature| Seen {
            witness: cosignature.witness.name().to_owned(),
            time: UnixTime(cosignature.timestamp),
        });
        let life = record.life().map(|(kind, time)| Event { kind, time });
        Self {
            good: true,
            anchors: trusted.origin,
            issuer: trusted.anchors.issuer.clone(),
            issuer_known: trusted.issuer_known,
            consent_id: record.id().to_string(),
            release_id: request.id.to_string(),
            client_id: request.rp.client_id.to_string(),
            controller_name: request.rp.name.clone(),
            domain: request.rp.domain.clone(),
            purpose: request.purpose.clone(),
            refused: refused.copied().collect(),
            granted,
            device: verified.device().thumbprint(),
            statement: verified.statement_version(),
            life: life.collect(),
            ledger: trusted.anchors.ledger.name().to_owned(),
            leaf_index: verified.index(),
            ledger_size: verified.tree().size,
            witnesses: witnesses.collect(),
            unknown_signatures: verified.unknown_signatures(),
            names_policy: verified.names_policy(&trusted.anchors),
        }
    }

    /// What is not proved, and why.
    fn open(&self) -> Vec<String> {
        let mut open = vec![
            format!("whose device it is: the key {} says no name", self.device),
            "that nothing came later: the receipt of a later event would say so".to_owned(),
            format!("what {} did with what it received", self.controller_name),
        ];
        if self.anchors == Origin::Claimed {
            let whoever =
                "that this is the true ledger: its key and its policy are the file's own word".to_owned();
            open.insert(0, whoever);
        }
        if !self.issuer_known {
            open.push(format!("that {} is the platform's true address", self.issuer));
        }
        if self.unknown_signatures > 0 {
            let count = self.unknown_signatures;
            open.push(format!(
                "{count} signatures under the checkpoint: of nobody in the policy"
            ));
        }
        if self.names_policy == Some(false) {
            open.push(
                "the policy that the file names: it is another than the one that was applied".to_owned(),
            );
        }
        open
    }
}

fn words(proved: &Proved) -> String {
    let refused = match proved.refused.as_slice() {
        [] => String::new(),
        refused => format!(", and not {}", names(refused, Field::as_str)),
    };
    let life = proved.life.iter();
    let life: Vec<String> = life
        .map(|event| format!("\n  {}  {}", moment(event.time), event.kind.as_str()))
        .collect();
    let witnesses = proved.witnesses.iter();
    let witnesses: Vec<String> = witnesses
        .map(|seen| format!("\n  {}  {}", moment(seen.time), seen.witness))
        .collect();
    let open: Vec<String> = proved.open().iter().map(|open| format!("\n  - {open}")).collect();
    format!(
        "{}: the device agreed to give {}{refused} to {} ({}), for {}.\n\
         What happened, each linked to the one before:{}\n\
         The last of these is leaf {} of the ledger {}, of {} leaves when these saw it:{}\n\
         Not proved:{}",
        paint(GREEN, "Good"),
        names(&proved.granted, Field::as_str),
        proved.controller_name,
        proved.domain,
        proved.purpose,
        life.concat(),
        proved.leaf_index,
        proved.ledger,
        proved.ledger_size,
        witnesses.concat(),
        open.concat(),
    )
}
