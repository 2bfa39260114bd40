//! The request object: what the holder's app fetches, shows and answers.

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce, ReleaseId, VerificationId};
use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::receipt::Receipt;
use crate::statement::{Statement, Terms};

/// The claims of a request object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestObject {
    /// A verification: pass or fail.
    Verification(VerificationRequest),
    /// A release of plaintext.
    Release(ReleaseRequest),
}

impl Message for RequestObject {
    const TYP: &'static str = "cyberid-request+jwt";
}

/// The relying party as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestingParty {
    /// Its id.
    pub client_id: ClientId,
    /// Its registered name.
    pub name: String,
    /// Its registered domain.
    pub domain: String,
}

/// A request for a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationRequest {
    /// The platform's issuer.
    pub iss: String,
    /// The request's id.
    pub id: VerificationId,
    /// Who asks.
    pub rp: RequestingParty,
    /// The registered purpose.
    pub purpose: String,
    /// The checks that are asked.
    pub checks: Vec<Check>,
    /// The factors that are asked.
    pub factors: Vec<Factor>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// The four digits that the relying party shows too.
    pub comparison_code: String,
    /// Present and `true` once a guardian of the holder has agreed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guardian_agreed: bool,
    /// The registration certificate of the intended use.
    pub registration_certificate: String,
    /// When the platform signed it.
    pub iat: UnixTime,
    /// Until when it can be answered.
    pub exp: UnixTime,
}

/// A request for a release of plaintext.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The platform's issuer.
    pub iss: String,
    /// The release's id.
    pub id: ReleaseId,
    /// Who asks.
    pub rp: RequestingParty,
    /// The registered purpose.
    pub purpose: String,
    /// The fields that are asked.
    pub fields: Vec<Field>,
    /// The factors that are asked: the device's signature.
    pub factors: Vec<Factor>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// The registration certificate of the intended use.
    pub registration_certificate: String,
    /// The registered legal basis.
    pub legal_basis: String,
    /// The registered retention in days.
    pub retention_days: u32,
    /// Where the relying party's notice stands.
    pub notice_uri: String,
    /// SHA-256 of the registered intended use in canonical JSON, base64url.
    pub notice_sha256: String,
    /// The thumbprint of the registered key that plaintext is encrypted to.
    pub enc_jkt: String,
    /// The exact text to show.
    pub statement: Statement,
    /// When the platform signed it.
    pub iat: UnixTime,
    /// Until when it can be answered.
    pub exp: UnixTime,
}

impl<'a> From<&'a ReleaseRequest> for Terms<'a> {
    fn from(request: &'a ReleaseRequest) -> Self {
        Self {
            name: &request.rp.name,
            domain: &request.rp.domain,
            purpose: &request.purpose,
            fields: &request.fields,
            legal_basis: &request.legal_basis,
            retention_days: request.retention_days,
            notice_uri: &request.notice_uri,
            enc_jkt: &request.enc_jkt,
        }
    }
}

/// The body of `POST /v1/requests/{id}/answer`: sealed, or declined.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerBody {
    /// A JWE to the platform's `encryption_jwk`, holding a proof or a consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// `true` when the holder refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<bool>,
}

/// An answer in one of its two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The holder agreed; the JWE holds the signed message.
    Sealed(String),
    /// The holder refused.
    Declined,
}

/// A body is neither an answer nor a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither `sealed` nor `declined: true`")]
pub struct NeitherAnswer;

impl TryFrom<AnswerBody> for Answer {
    type Error = NeitherAnswer;

    fn try_from(body: AnswerBody) -> Result<Self, NeitherAnswer> {
        match (body.sealed, body.declined) {
            (Some(sealed), None) => Ok(Self::Sealed(sealed)),
            (None, Some(true)) => Ok(Self::Declined),
            _ => Err(NeitherAnswer),
        }
    }
}

/// What the holder receives for a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Consented {
    /// The consent's id.
    pub consent_id: cyberid_domain::id::ConsentId,
    /// The receipt to keep.
    pub receipt: Receipt,
}
