//! What an auditor trusts: the log's key and the witness policy. From discovery the first time, pinned afterwards.

use cyberid_protocol::discovery::LedgerDescription;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use serde::{Deserialize, Serialize};

/// The file of an exported ledger that names its anchors.
pub const ANCHORS_FILE: &str = "anchors.json";

/// What an auditor trusts, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditAnchors {
    /// The log's verifier key (C2SP signed-note).
    pub vkey: String,
    /// The witness policy (C2SP tlog-policy).
    pub policy: String,
}

/// A text is not a key or a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the anchors are not readable: {0}")]
pub struct InvalidAnchors(pub String);

impl AuditAnchors {
    /// The anchors in their checked form.
    pub fn parse(&self) -> Result<(VerifierKey, Policy), InvalidAnchors> {
        let key = self
            .vkey
            .parse()
            .map_err(|error| InvalidAnchors(format!("vkey: {error}")))?;
        let policy = Policy::parse(self.policy.as_bytes());
        Ok((
            key,
            policy.map_err(|error| InvalidAnchors(format!("policy: {error}")))?,
        ))
    }
}

impl From<&LedgerDescription> for AuditAnchors {
    fn from(ledger: &LedgerDescription) -> Self {
        Self {
            vkey: ledger.vkey.clone(),
            policy: ledger.policy.clone(),
        }
    }
}
