//! Bodies of the audit calls.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
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
    /// How many erasures it has not confirmed in time.
    pub overdue_erasures: u64,
}
