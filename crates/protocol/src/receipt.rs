//! The receipt: what a holder keeps of a consent, and can check without the platform.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, ReleaseId};
use serde::{Deserialize, Serialize};

/// The schema that records are shaped by.
pub const SCHEMA: &str = "ISO/IEC TS 27560:2023";

/// A receipt: the record, the leaf made from it, and the proof that the leaf is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The consent record.
    pub record: ConsentRecord,
    /// The leaf's bytes.
    pub leaf: String,
    /// The proof that the leaf is in the ledger (C2SP tlog-proof).
    pub proof: String,
}

/// A consent record, shaped by ISO/IEC TS 27560.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentRecord {
    /// The schema, [`SCHEMA`].
    pub schema_version: String,
    /// The consent's id.
    pub record_id: ConsentId,
    /// The release that it grants.
    pub release_id: ReleaseId,
    /// The controller: the relying party.
    pub controller: ClientId,
    /// The controller's name as it was shown.
    pub controller_name: String,
    /// The registered purpose.
    pub purpose: String,
    /// The legal basis.
    pub legal_basis: String,
    /// The granted fields.
    pub fields: Vec<Field>,
    /// Retention in days.
    pub retention_days: u32,
    /// Where the controller's notice stands.
    pub notice_uri: String,
    /// The consent as the device signed it.
    pub consent: String,
    /// The statement as it was shown.
    pub statement: String,
    /// The salt of the leaf's commitment, base64url: with it the holder recognises the leaf as their own.
    pub salt: String,
    /// The events of this consent, oldest first.
    pub events: Vec<RecordEvent>,
}

/// One event in the life of a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordEvent {
    /// What happened, as a leaf's kind.
    pub state: String,
    /// When.
    pub time: UnixTime,
}
