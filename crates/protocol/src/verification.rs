//! Bodies of the verification calls.

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{CounterCode, Nonce, VerificationId};
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/verifications`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationBody {
    /// The registered purpose.
    pub purpose: String,
    /// The checks that are asked.
    pub checks: Vec<Check>,
    /// The factors that are asked; the device always signs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<Factor>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// The pseudonym that `same_person` compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The code that the holder shows at the counter: only that device can answer then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CounterCode>,
    /// For how many seconds the holder can answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// The answer of `POST /v1/verifications`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationRequested {
    /// The verification's id.
    pub id: VerificationId,
    /// What the holder's app fetches.
    pub request_uri: String,
    /// Until when the holder can answer.
    pub expires_at: UnixTime,
    /// What the relying party shows, and the holder's device too: the same four digits.
    pub comparison_code: String,
}

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum VerificationStatus {
    /// Not answered.
    Pending,
    /// Every check passed.
    Passed,
    /// Some check failed.
    Failed,
    /// The holder refused.
    Declined,
    /// Nobody answered in time.
    Expired,
}

/// The answer of `GET /v1/verifications/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationView {
    /// Where it stands.
    pub status: VerificationStatus,
    /// The attestation, once answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

/// The body of `POST /v1/verifications/direct`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectBody {
    /// A JWE to the platform's `encryption_jwk`, holding the proof.
    pub sealed: String,
}

/// The answer of `POST /v1/verifications/direct`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attested {
    /// The signed attestation.
    pub attestation: String,
}
