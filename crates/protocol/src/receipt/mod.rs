//! The receipt: what a holder keeps of a consent, and anybody can check without the platform.
//!
//! In scope: the file's three parts, and the record, which is made of its evidence alone, so that a reader who makes it
//! again finds every difference. Not in scope: the check (`cyberid-holder`) and the proof (`cyberid-tlog`).

mod evidence;
mod record;
#[cfg(test)]
mod tests;

use cyberid_crypto::json::present;
use serde::{Deserialize, Serialize};

pub use evidence::{Evidence, EvidenceRead, InvalidEvidence, consent_id};
pub use record::{
    ConsentRecord, Party, PiiInformation, PiiProcessing, Purpose, RecordEvent, RecordHeader, SCHEMA,
};

/// A receipt: the record, a leaf of its release, and the proof that the leaf is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The consent record, with the events up to the leaf.
    pub record: ConsentRecord,
    /// The leaf's bytes.
    pub leaf: String,
    /// The proof that the leaf is in the ledger (C2SP tlog-proof), with the checkpoint and its cosignatures.
    pub proof: String,
    /// In a file that somebody keeps: which ledger they took this for.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub ledger: Option<LedgerClaims>,
}

/// Which ledger a receipt is said to be of: a claim, to be compared with what a reader has from a source they trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerClaims {
    /// The platform's issuer.
    pub issuer: String,
    /// The ledger's verifier key (C2SP signed-note).
    pub vkey: String,
    /// The witness policy (C2SP tlog-policy).
    pub policy: String,
}
