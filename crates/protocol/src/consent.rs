//! The holder's consent to one release of plaintext, signed by the device key over exactly what was shown.

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::check::distinct;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::leaf::{Leaf, LeafKind};
use crate::message::Message;
use crate::request::ReleaseRequest;
use crate::statement::Locale;

/// The longest life of a consent in seconds: until then the relying party may redeem it.
pub const MAX_LIFE: u64 = 86_400;

/// The claims of a consent; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The platform's issuer.
    pub aud: String,
    /// The relying party that receives.
    pub rp: ClientId,
    /// The release that it grants.
    pub request: ReleaseId,
    /// The registered purpose.
    pub purpose: String,
    /// The fields that the holder grants: some or all of those asked.
    pub fields: Vec<Field>,
    /// The legal basis that the holder was shown.
    pub legal_basis: String,
    /// For how many days the relying party may keep the fields.
    pub retention_days: u32,
    /// The thumbprint of the only key that the fields are encrypted to.
    pub enc_jkt: String,
    /// SHA-256 of the registered notice, base64url.
    pub notice_sha256: String,
    /// SHA-256 of the compact request object, base64url.
    pub request_sha256: String,
    /// SHA-256 of the UTF-8 of the statement, computed by the device from what it showed, base64url.
    pub statement_sha256: String,
    /// The language of the statement.
    pub locale: Locale,
    /// When it was signed.
    pub iat: UnixTime,
    /// Until when it can be redeemed, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it; used once.
    pub jti: Nonce,
}

impl Message for Consent {
    const TYP: &'static str = "cyberid-consent+jwt";
}

impl Consent {
    /// The first member in which this consent says something else than the request object that it answers, of which
    /// `compact` are the bytes. Moment, life and `jti` are the consent's own.
    pub fn differs_from(&self, request: &ReleaseRequest, compact: &str) -> Option<&'static str> {
        let statement_sha256 = digest::sha256_base64url(request.statement.text.as_bytes());
        let request_sha256 = digest::sha256_base64url(compact.as_bytes());
        let same = [
            ("aud", self.aud == request.iss),
            ("rp", self.rp == request.rp.client_id),
            ("request", self.request == request.id),
            ("purpose", self.purpose == request.purpose),
            ("fields", is_some_of(&self.fields, &request.fields)),
            ("legal_basis", self.legal_basis == request.legal_basis),
            ("retention_days", self.retention_days == request.retention_days),
            ("enc_jkt", self.enc_jkt == request.enc_jkt),
            ("notice_sha256", self.notice_sha256 == request.notice_sha256),
            ("request_sha256", self.request_sha256 == request_sha256),
            ("statement_sha256", self.statement_sha256 == statement_sha256),
            ("locale", self.locale == request.statement.locale),
        ];
        same.iter().find(|(_, same)| !same).map(|(member, _)| *member)
    }

    /// The leaf that says that this consent, of which `compact` are the bytes, was granted at `time`.
    pub fn leaf(&self, compact: &str, subject_commitment: String, time: UnixTime) -> Leaf {
        Leaf {
            request: Some(self.request.clone()),
            rp: Some(self.rp.clone()),
            subject_commitment: Some(subject_commitment),
            fields: Some(self.fields.clone()),
            purpose: Some(self.purpose.clone()),
            legal_basis: Some(self.legal_basis.clone()),
            retention_days: Some(self.retention_days),
            enc_jkt: Some(self.enc_jkt.clone()),
            consent_sha256: Some(digest::sha256_base64url(compact.as_bytes())),
            ..Leaf::new(LeafKind::ConsentGranted, time)
        }
    }
}

/// Whether some of the asked fields were granted, each once, in the order in which they were asked.
fn is_some_of(granted: &[Field], asked: &[Field]) -> bool {
    let in_order: Vec<Field> = asked
        .iter()
        .copied()
        .filter(|field| granted.contains(field))
        .collect();
    distinct(granted).is_some() && in_order == granted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granted_fields_are_some_of_the_asked_ones_in_their_order() {
        let asked = [Field::Name, Field::BirthDate, Field::DocumentNumber];
        for granted in [&asked[..], &asked[..1], &[Field::Name, Field::DocumentNumber]] {
            assert!(is_some_of(granted, &asked), "{granted:?}");
        }
        for granted in [
            &[][..],
            &[Field::ValidUntil],
            &[Field::Name, Field::ValidUntil],
            &[Field::Name, Field::Name],
            &[Field::BirthDate, Field::Name],
        ] {
            assert!(!is_some_of(granted, &asked), "{granted:?}");
        }
    }
}
