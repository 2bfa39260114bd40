//! Bodies of the calls of official access.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/official-accesses`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficialAccessBody {
    /// The order that an officer signed: a `cyberid-official-order+jwt`.
    pub order: String,
}

/// The answer of `POST /v1/official-accesses`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficialAccessRequested {
    /// The official access.
    pub id: OfficialAccessId,
    /// Where it stands.
    pub status: OfficialStatus,
}

/// The body of `POST /v1/official-accesses/{id}/countersign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Countersign {
    /// The second officer's signature: a `cyberid-official-countersignature+jwt`.
    pub countersignature: String,
}

/// The answer of `GET /v1/official-accesses/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficialAccessView {
    /// The official access.
    pub id: OfficialAccessId,
    /// Where it stands.
    pub status: OfficialStatus,
    /// Why it was refused, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<OfficialRefusal>,
    /// The signed order, for the second officer to read.
    pub order: String,
    /// Until when it can be countersigned and carried out.
    pub expires_at: UnixTime,
}

/// One official access as the person whose record was opened sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MyOfficialAccess {
    /// The official access.
    pub id: OfficialAccessId,
    /// The authority's client id.
    pub authority: ClientId,
    /// How the authority is called.
    pub authority_name: String,
    /// Whether plaintext left (`delivered`), or may have (`intended`, `presumed`).
    pub status: OfficialStatus,
    /// The fields that were ordered.
    pub fields: Vec<Field>,
    /// The law that the order rests on.
    pub legal_basis: String,
    /// The authority's name of the case.
    pub case_reference: String,
    /// When the record was opened.
    pub opened_at: UnixTime,
    /// The order as two officers signed it: its words have the SHA-256 that the leaf names.
    pub order: String,
    /// The second officer's signature.
    pub countersignature: String,
    /// The leaf that announced it.
    pub leaf: String,
    /// The salt of the leaf's commitment, base64url.
    pub salt: String,
}
