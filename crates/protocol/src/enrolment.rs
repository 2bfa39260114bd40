//! Bodies of the issuance calls.

use cyberid_domain::UnixTime;
use cyberid_domain::document::DocumentType;
use cyberid_domain::id::Nonce;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::personal::Personal;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use serde::{Deserialize, Serialize};

use crate::passport::ChipFiles;
use crate::statement::Locale;

/// The answer of `POST /v1/nonces`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NonceAnswer {
    /// A nonce for one key proof.
    pub nonce: Nonce,
    /// Its life in seconds.
    pub expires_in: u64,
}

/// A document as a holder states it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Document {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: DocumentType,
    /// The full name as on the document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: Personal,
    /// The number.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub number: Personal,
    /// The last valid day, `YYYY-MM-DD`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub valid_until: Personal,
}

/// Evidence that the holder is the person of the document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Which adapter checks it.
    pub kind: String,
    /// What the adapter made.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token: Personal,
    /// The chip of the passport, beside it: a chip alone is nobody's evidence.
    #[serde(default)]
    pub chip: Option<ChipFiles>,
}

/// The body of `POST /v1/enrolments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentBody {
    /// The identity document.
    pub document: Document,
    /// Evidence that the holder is its person.
    pub evidence: Evidence,
    /// The PIN that the holder chooses.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9]{8}$"))]
    pub pin: Pin,
    /// Proof of possession of the device key.
    pub key_proof: String,
    /// A guardian's agreement, for whoever is under 18 (`cyberid-guardian-consent+jwt`).
    #[serde(default)]
    pub guardian_consent: Option<String>,
    /// The language of messages to the holder.
    pub locale: Locale,
}

/// The answer of `POST /v1/enrolments`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolled {
    /// The network number (网号).
    pub network_number: NetworkNumber,
    /// The network certificate (网证).
    pub credential: String,
    /// When the certificate ends.
    pub credential_expires_at: UnixTime,
    /// The identifier's status.
    pub status: SubjectStatus,
}

/// The answer of `GET /v1/me`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The network number (网号).
    pub network_number: NetworkNumber,
    /// The identifier's status.
    pub status: SubjectStatus,
    /// Why it is suspended, if it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspended_for: Vec<LifeReason>,
    /// The devices that may act.
    pub devices: Vec<Device>,
    /// When the certificate ends.
    pub credential_expires_at: UnixTime,
    /// The ages that have been reached.
    pub age_over: Vec<u8>,
}

/// A device of the holder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// The device key's thumbprint.
    pub thumbprint: String,
    /// When it was bound.
    pub bound_at: UnixTime,
}

/// The text that a number commitment is made over and opened with.
pub fn number_commitment(salt: &[u8], number: &NetworkNumber) -> String {
    let tag = cyberid_crypto::digest::hmac_parts(salt, &[b"number", number.compact().as_bytes()]);
    cyberid_crypto::base64url::encode(&tag)
}
