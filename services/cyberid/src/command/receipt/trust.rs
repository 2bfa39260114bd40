//! Which ledger a receipt is held to: the one that was given; where it is asked for in so many words, the one that the
//! file itself names; else the one that a device pinned.

use std::path::{Path, PathBuf};

use clap::Args;
use cyberid_auditor::AuditAnchors;
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::warrant::Anchors;
use serde::Serialize;

use crate::command::holder::device;
use crate::command::outside::Failure;

/// Where the trust comes from.
#[derive(Debug, Args)]
pub(super) struct Trust {
    /// The ledger's verifier key (C2SP signed-note), from a source that you trust.
    #[arg(long, value_name = "KEY", requires = "policy_file")]
    vkey: Option<String>,
    /// The witness policy (C2SP tlog-policy), from a source that you trust.
    #[arg(long, value_name = "FILE", requires = "vkey")]
    policy_file: Option<PathBuf>,
    /// The platform's issuer, from a source that you trust.
    #[arg(long, value_name = "URL", requires = "vkey")]
    issuer: Option<String>,
    /// The directory of a device that enrolled with this platform [default: ~/.cyberid/holder].
    #[arg(long, value_name = "DIR", env = "CYBERID_HOLDER_HOME")]
    home: Option<PathBuf>,
    /// Take the file's own word for the ledger's key and witness policy: whoever made the file may have made them too.
    #[arg(long = "trust-file", conflicts_with = "vkey")]
    by_the_file: bool,
}

/// Where the anchors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    /// The command line.
    Given,
    /// A device that enrolled with the platform.
    Pinned,
    /// The file itself.
    Claimed,
}

/// What a receipt is held to.
#[derive(Debug, Clone)]
pub(super) struct Trusted {
    pub(super) anchors: Anchors,
    pub(super) origin: Origin,
    /// Whether the issuer comes from there too, or is the file's own word.
    pub(super) issuer_known: bool,
}

/// Nothing says which ledger to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing says which ledger to trust: say `--vkey KEY --policy-file FILE`, or `--home DIR` of a device that enrolled{}",
    named(claimed.as_deref())
)]
pub(super) struct NothingToTrust {
    /// The key that the file names.
    claimed: Option<String>,
}

fn named(claimed: Option<&str>) -> String {
    let said = |vkey| format!("; the file itself says {vkey}, which `--trust-file` takes for granted");
    claimed.map(said).unwrap_or_default()
}

impl Trust {
    /// Decides which ledger this receipt is held to.
    pub(super) fn decide(&self, receipt: &Receipt) -> Result<Trusted, Failure> {
        if let (Some(vkey), Some(policy)) = (&self.vkey, &self.policy_file) {
            return self.given(vkey, policy, receipt);
        }
        let claimed = receipt.ledger.as_ref();
        if let Some(claimed) = claimed.filter(|_| self.by_the_file) {
            let anchors = anchors(&claimed.vkey, &claimed.policy, &claimed.issuer)?;
            return Ok(trusted(anchors, Origin::Claimed, false));
        }
        let pins = if self.by_the_file {
            None
        } else {
            device::pins(self.home.as_deref())?
        };
        let pins = pins.ok_or_else(|| NothingToTrust {
            claimed: claimed.map(|claimed| claimed.vkey.clone()),
        })?;
        let anchors = anchors(&pins.ledger_vkey, &pins.policy, &pins.issuer)?;
        Ok(trusted(anchors, Origin::Pinned, true))
    }

    fn given(&self, vkey: &str, policy: &Path, receipt: &Receipt) -> Result<Trusted, Failure> {
        let text = std::fs::read_to_string(policy);
        let text = text.map_err(|error| format!("cannot read the policy {}: {error}", policy.display()))?;
        let issuer = match &self.issuer {
            Some(issuer) => issuer.clone(),
            None => said_issuer(receipt),
        };
        let anchors = anchors(vkey, &text, &issuer)?;
        Ok(trusted(anchors, Origin::Given, self.issuer.is_some()))
    }
}

/// For whom the consent in the file says it is.
fn said_issuer(receipt: &Receipt) -> String {
    let read = receipt.record.evidence.read();
    read.map(|read| read.consent.aud).unwrap_or_default()
}

fn anchors(vkey: &str, policy: &str, issuer: &str) -> Result<Anchors, Failure> {
    let text = AuditAnchors {
        vkey: vkey.to_owned(),
        policy: policy.to_owned(),
    };
    let (ledger, policy) = text.parse()?;
    Ok(Anchors {
        issuer: issuer.to_owned(),
        ledger,
        policy,
    })
}

fn trusted(anchors: Anchors, origin: Origin, issuer_known: bool) -> Trusted {
    Trusted {
        anchors,
        origin,
        issuer_known,
    }
}
