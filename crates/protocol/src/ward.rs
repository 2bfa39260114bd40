//! Bodies of the calls by which a guardian sees what their wards are asked, and agrees or refuses.

use cyberid_domain::id::{VerificationId, WardId};
use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/me/wards`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Wards {
    /// The guardian's wards who are under 18.
    pub wards: Vec<Ward>,
}

/// A ward, and what waits for the guardian's word.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ward {
    /// What this guardian calls the ward by; another guardian has another name for them.
    pub id: WardId,
    /// The signed request objects (`cyberid-request+jwt`) that the ward, under 14, has opened and that ask
    /// `guardian_consent`.
    pub requests: Vec<String>,
}

/// The body of `POST /v1/me/wards/{id}/answers`: sealed, or declined.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WardAnswerBody {
    /// The request that is answered.
    pub request: VerificationId,
    /// A JWE to the platform's `encryption_jwk`, holding the guardian's proof for that request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// `true` when the guardian refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<bool>,
}
