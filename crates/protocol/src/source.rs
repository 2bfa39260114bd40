//! The protocol between issuance and an authoritative identity source: `POST /v1/identity-checks`.
//!
//! The question is sealed to the source; the answer is signed by it and bound to the question's hash.

use cyberid_crypto::{KeyFailure, PublicKey, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::message::Message;

/// The longest sealed question in characters: with what is around it, less than the 64 KiB that every server of ours reads.
pub const LONGEST_QUESTION: usize = 60 * 1024;

/// The body of an identity check.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityCheckBody {
    /// A JWE to the source's key that holds a [`Question`].
    pub sealed: String,
}

/// What is asked, inside the seal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Which kind of document.
    pub kind: DocumentType,
    /// The name as stated.
    pub name: Personal,
    /// The number in canonical form.
    pub number: Personal,
    /// The last valid day as stated.
    pub valid_until: Personal,
    /// Which evidence.
    pub evidence_kind: String,
    /// The evidence.
    pub evidence: Personal,
    /// The platform that asks, by its issuer: the handle of the person is for it alone.
    pub aud: String,
    /// In which of its feeds the platform wants to be told of this person later (see [`crate::notice`]): 32 bytes that
    /// nobody else knows, base64url.
    pub feed: String,
    /// The asker's key for this one answer: the date of birth is sealed to it.
    pub reply_to: PublicKey,
}

/// What the HPKE seal around a date of birth is for.
pub const BIRTH_DATE_INFO: &[u8] = b"cyberid/v1/birth-date";

/// What the HPKE seal around a source's handle of a person is for.
pub const PERSON_INFO: &[u8] = b"cyberid/v1/person";

impl Question {
    /// Seals the question to the source.
    pub fn seal(&self, source: &PublicKey) -> Result<String, KeyFailure> {
        #[derive(Serialize)]
        struct Exposed<'a> {
            kind: DocumentType,
            name: &'a str,
            number: &'a str,
            valid_until: &'a str,
            evidence_kind: &'a str,
            evidence: &'a str,
            aud: &'a str,
            feed: &'a str,
            reply_to: PublicKey,
        }
        let exposed = Exposed {
            kind: self.kind,
            name: self.name.expose(),
            number: self.number.expose(),
            valid_until: self.valid_until.expose(),
            evidence_kind: &self.evidence_kind,
            evidence: self.evidence.expose(),
            aud: &self.aud,
            feed: &self.feed,
            reply_to: self.reply_to,
        };
        let body = Zeroizing::new(serde_json::to_vec(&exposed).map_err(|_| KeyFailure)?);
        jwe::seal(source, "json", &body)
    }
}

/// The claims of the source's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceAnswer {
    /// SHA-256 of the sealed question, base64url.
    pub question_sha256: String,
    /// Whether document and evidence belong to one living person.
    pub confirmed: bool,
    /// The date of birth, `YYYY-MM-DD`, sealed by HPKE to `reply_to` for [`BIRTH_DATE_INFO`], base64url; only when
    /// confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date_sealed: Option<String>,
    /// The source's handle of the person for this platform (as in [`crate::face::FaceEvidence`]), sealed by HPKE to
    /// `reply_to` for [`PERSON_INFO`], base64url; only when confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_sealed: Option<String>,
    /// When it was signed.
    pub iat: UnixTime,
}

impl Message for SourceAnswer {
    const TYP: &'static str = "cyberid-source-answer+jwt";
}

/// The answer of an identity check.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityCheckAnswer {
    /// The signed answer.
    pub answer: String,
}

/// How a source introduces itself: `GET /v1/source`. A platform outside a sandbox pins these keys in its
/// configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceKeys {
    /// Signs answers.
    #[cfg_attr(feature = "openapi", schema(value_type = cyberid_crypto::Jwk))]
    pub signing_jwk: PublicKey,
    /// Questions are sealed to it.
    #[cfg_attr(feature = "openapi", schema(value_type = cyberid_crypto::Jwk))]
    pub encryption_jwk: PublicKey,
}
