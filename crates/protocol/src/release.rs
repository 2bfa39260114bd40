//! Bodies of the release calls.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ConsentId, Nonce, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/releases`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseBody {
    /// The holder's pseudonym at this relying party.
    pub sub: String,
    /// The registered purpose.
    pub purpose: String,
    /// The fields that are asked.
    pub fields: Vec<Field>,
    /// The relying party's nonce.
    pub nonce: Nonce,
}

/// The answer of `POST /v1/releases`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseRequested {
    /// The release's id.
    pub id: ReleaseId,
    /// What the holder's app fetches.
    pub request_uri: String,
    /// Until when the holder can answer.
    pub expires_at: UnixTime,
}

/// The answer of `GET /v1/releases/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseView {
    /// The release's id.
    pub id: ReleaseId,
    /// Where it stands.
    pub status: ReleaseStatus,
    /// The fields that the holder granted, once granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<Field>>,
    /// The consent, once granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_id: Option<ConsentId>,
    /// Until when it can be answered or redeemed.
    pub expires_at: UnixTime,
}

/// The answer of `POST /v1/releases/{id}/redeem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Redeemed {
    /// The identity, encrypted to the relying party's key named in the consent.
    pub identity: String,
    /// The leaf that records the intent.
    pub leaf: String,
    /// The proof that the intent was in the ledger before (C2SP tlog-proof).
    pub proof: String,
}

/// The answer of `GET /v1/releases/{id}/proof`: a leaf, and that it is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeafProof {
    /// The leaf's bytes.
    pub leaf: String,
    /// The proof that it is in the ledger (C2SP tlog-proof).
    pub proof: String,
}

/// The answer of `GET /v1/registration-leaves`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationLeaves {
    /// The leaves of the registration, oldest first, each with its proof.
    pub leaves: Vec<LeafProof>,
}

/// The body of `POST /v1/releases/{id}/erasure`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErasureBody {
    /// When the relying party erased what it had received.
    pub erased_at: UnixTime,
}
