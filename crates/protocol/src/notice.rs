//! What an identity source tells a platform later of a person whom it has confirmed to it: `POST /v1/notices`.
//!
//! The platform asks; nothing of it listens for this. Each notice is signed by the source, stands in an order, and is taken
//! once. A person is named by the handle that the source has for this platform alone; what is written on a new document is
//! sealed to the asker. Which feed is asked is a secret between both: only whoever showed a person's evidence can have put
//! the person in it.

use cyberid_crypto::{KeyFailure, PublicKey, base64url, hpke, json, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::document::DocumentType;
pub use cyberid_domain::happening::Happening;
use cyberid_domain::id::Nonce;
use cyberid_domain::personal::Personal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::message::Message;

/// The most notices in one answer.
pub const MOST: usize = 50;

/// What the HPKE seal around a new document is for.
pub const DOCUMENT_INFO: &[u8] = b"cyberid/v1/notice-document";

/// The body of the question for notices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticesBody {
    /// A JWE to the source's key that holds a [`NoticeQuery`].
    pub sealed: String,
}

/// What is asked, inside the seal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeQuery {
    /// The platform that asks, by its issuer.
    pub aud: String,
    /// The feed, as it stood in the questions that confirmed its people: 32 bytes, base64url.
    pub feed: String,
    /// The last notice that was taken; 0 if none was.
    pub after: u64,
    /// The asker's key for this one answer: new documents are sealed to it.
    pub reply_to: PublicKey,
}

impl NoticeQuery {
    /// Seals the query to the source.
    pub fn seal(&self, source: &PublicKey) -> Result<String, KeyFailure> {
        let body = Zeroizing::new(serde_json::to_vec(self).map_err(|_| KeyFailure)?);
        jwe::seal(source, "json", &body)
    }
}

/// The answer: at most [`MOST`] notices, those after the named one, in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticesAnswer {
    /// Signed notices.
    pub notices: Vec<String>,
}

/// The claims of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceNotice {
    /// The platform, by its issuer.
    pub aud: String,
    /// Its own name: the same whenever it is fetched again.
    pub jti: Nonce,
    /// Its place in the source's order, from 1; a feed has gaps.
    pub seq: u64,
    /// The source's handle of the person for this platform (as in [`crate::face::FaceEvidence`]).
    pub person: String,
    /// What happened.
    pub happening: Happening,
    /// When it happened.
    pub at: UnixTime,
    /// A [`NoticedDocument`], sealed by HPKE to the asker for [`DOCUMENT_INFO`] with `jti` as associated data, base64url;
    /// only of a happening that brings one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_sealed: Option<String>,
    /// When it was signed.
    pub iat: UnixTime,
}

impl Message for SourceNotice {
    const TYP: &'static str = "cyberid-source-notice+jwt";
}

/// What is written on a new document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticedDocument {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: DocumentType,
    /// The name.
    pub name: Personal,
    /// The number in canonical form.
    pub number: Personal,
    /// The last valid day, `YYYY-MM-DD`.
    pub valid_until: Personal,
    /// The date of birth, `YYYY-MM-DD`.
    pub birth_date: Personal,
}

impl NoticedDocument {
    /// Seals the document to the asker, for the one notice of this name.
    pub fn seal(&self, reply_to: &PublicKey, jti: &Nonce) -> Result<String, KeyFailure> {
        #[derive(Serialize)]
        struct Exposed<'a> {
            #[serde(rename = "type")]
            kind: DocumentType,
            name: &'a str,
            number: &'a str,
            valid_until: &'a str,
            birth_date: &'a str,
        }
        let exposed = Exposed {
            kind: self.kind,
            name: self.name.expose(),
            number: self.number.expose(),
            valid_until: self.valid_until.expose(),
            birth_date: self.birth_date.expose(),
        };
        let body = Zeroizing::new(serde_json::to_vec(&exposed).map_err(|_| KeyFailure)?);
        let sealed = hpke::seal(reply_to, DOCUMENT_INFO, jti.as_str().as_bytes(), &body)?;
        Ok(base64url::encode(&sealed))
    }

    /// The document of a notice, if it is sealed to this key, for this notice, and of the documented form.
    pub fn open(notice: &SourceNotice, key: &dyn cyberid_crypto::Agree) -> Option<Self> {
        let sealed = base64url::decode(notice.document_sealed.as_deref()?)?;
        let opened = hpke::open(key, DOCUMENT_INFO, notice.jti.as_str().as_bytes(), &sealed).ok()?;
        json::from_slice(&opened).ok()
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey};
    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn a_document_opens_for_its_asker_and_its_notice_alone() {
        let document = NoticedDocument {
            kind: DocumentType::Passport,
            name: Personal::new("ANNA JENSEN".into()),
            number: Personal::new("L898902C36".into()),
            valid_until: Personal::new("2036-01-01".into()),
            birth_date: Personal::new("1990-05-17".into()),
        };
        let (asker, other) = (
            AgreementKey::from_scalar(&[7; 32]).unwrap(),
            AgreementKey::from_scalar(&[8; 32]).unwrap(),
        );
        let jti = Nonce::random(&SystemRng);
        let notice = SourceNotice {
            aud: "https://id.example".into(),
            jti: jti.clone(),
            seq: 1,
            person: "p".into(),
            happening: Happening::NameCorrected,
            at: UnixTime(1),
            document_sealed: Some(document.seal(&asker.public_key(), &jti).unwrap()),
            iat: UnixTime(2),
        };
        let opened = NoticedDocument::open(&notice, &asker).unwrap();
        assert_eq!(
            (opened.kind, opened.name.expose(), opened.valid_until.expose()),
            (DocumentType::Passport, "ANNA JENSEN", "2036-01-01")
        );
        assert!(NoticedDocument::open(&notice, &other).is_none());
        let moved = SourceNotice {
            jti: Nonce::random(&SystemRng),
            ..notice
        };
        assert!(NoticedDocument::open(&moved, &asker).is_none());
    }
}
