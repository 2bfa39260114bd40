//! Bodies of the audit calls.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus};
use serde::{Deserialize, Serialize};

/// One entry of the ledger as the regulator reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The entry's place in the log.
    pub index: u64,
    /// The leaf's bytes.
    pub leaf: String,
    /// The proof that it is in the log (C2SP tlog-proof).
    pub proof: String,
}

/// The answer of `GET /v1/audit/entries`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntries {
    /// The entries, oldest first.
    pub entries: Vec<AuditEntry>,
    /// What to send as `after` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The answer of `GET /v1/audit/summary`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditSummary {
    /// The log's size under its last checkpoint.
    pub size: u64,
    /// How many leaves of each kind there are.
    pub kinds: BTreeMap<String, u64>,
    /// Each relying party's counts.
    pub relying_parties: Vec<RelyingPartySummary>,
    /// When it was counted.
    pub time: UnixTime,
}

/// One relying party's counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelyingPartySummary {
    /// The relying party.
    pub client_id: ClientId,
    /// How many leaves of each kind name it.
    pub kinds: BTreeMap<String, u64>,
    /// How often it asked for more than it is registered for.
    pub over_asking: u64,
    /// How many erasures it owes whose time is over.
    pub overdue_erasures: u64,
}

/// The answer of `GET /v1/audit/relying-parties`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverseenParties {
    /// The relying parties, by id, whatever became of their registration.
    pub relying_parties: Vec<OverseenParty>,
    /// What to send as `after` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ClientId>,
}

/// One relying party as the regulator sees it; the answer of `GET /v1/audit/relying-parties/{client_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverseenParty {
    /// The relying party.
    pub client_id: ClientId,
    /// The name that people are shown.
    pub name: String,
    /// The domains that it acts under.
    pub domains: Vec<String>,
    /// Whom to ask.
    pub contact: String,
    /// Whom to ask for deletion.
    pub deletion_contact: String,
    /// Where its registration stands.
    pub status: RegistrationStatus,
    /// When the registration ends, once approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixTime>,
    /// For what it may ask.
    pub intended_uses: Vec<IntendedUse>,
    /// How many leaves of each kind name it.
    pub kinds: BTreeMap<String, u64>,
    /// How often it asked for more than it is registered for.
    pub over_asking: u64,
    /// The erasures that it owes and has not confirmed, the longest owed first.
    pub outstanding_erasures: Vec<OutstandingErasure>,
}

/// An erasure that a relying party owes after a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutstandingErasure {
    /// The release whose plaintext is to be erased.
    pub release_id: ReleaseId,
    /// By when.
    pub erase_by: UnixTime,
    /// Whether that time is over.
    pub overdue: bool,
}

/// The answer of `GET /v1/audit/transparency-report`, for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransparencyReport {
    /// The checkpoint of the log that was counted, with its witnesses' cosignatures (C2SP tlog-checkpoint).
    pub checkpoint: String,
    /// How many leaves of each kind there are.
    pub kinds: BTreeMap<String, u64>,
    /// The same for each calendar month, `2026-11`, by the time in the leaf and China's legal time (UTC+8).
    pub months: BTreeMap<String, BTreeMap<String, u64>>,
    /// How many relying parties there are of each status.
    pub relying_parties: BTreeMap<String, u64>,
    /// How often relying parties asked for more than they are registered for.
    pub over_asking: u64,
    /// How many erasures are owed whose time is over.
    pub overdue_erasures: u64,
    /// When it was counted.
    pub time: UnixTime,
}

/// One release with all that was said about it, for the regulator to check end to end; the answer of
/// `GET /v1/audit/releases/{id}?reason=`, which is itself recorded.
///
/// Once the person was erased, the salt is gone, and with it all that only the salt makes meaningful: consent, request
/// object, salt and key are then absent together, and the leaves stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TracedRelease {
    /// The release.
    pub release_id: ReleaseId,
    /// Its leaves, in the order of the log, each with its proof.
    pub leaves: Vec<AuditEntry>,
    /// The consent as the device signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// The signed request object that the holder was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object: Option<String>,
    /// The salt of the leaves' commitment, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The public key of the device that signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_jwk: Option<cyberid_crypto::Jwk>,
}
