//! Evidence of a face, between the holder's app, an evidence adapter and the platform: `POST /v1/face-checks`.
//!
//! The app shows a face to the adapter, which belongs to the identity source, and gets evidence for one proof: made out
//! to one platform, one device, one nonce and one person, for five minutes. The person is named by a handle that the
//! source has for this platform alone; the platform compares it with the one it was told at enrolment, so that a thief's
//! own face is of no use on a stolen device. No picture and no score reaches the platform or the relying party.

use cyberid_crypto::{KeyFailure, Mac, PublicKey, base64url, digest, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::document::DocumentType;
use cyberid_domain::id::Nonce;
use cyberid_domain::personal::Personal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::message::Message;

/// The longest life of evidence in seconds.
pub const MAX_LIFE: u64 = 300;

/// The body of a face check.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaceCheckBody {
    /// A JWE to the source's key that holds a [`FaceQuestion`].
    pub sealed: String,
}

/// What is asked, inside the seal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceQuestion {
    /// Which kind of document the person enrolled with.
    pub kind: DocumentType,
    /// Its number in canonical form.
    pub number: Personal,
    /// What the camera made; in a sandbox the person's evidence token.
    pub sample: Personal,
    /// The platform, by its issuer.
    pub aud: String,
    /// The thumbprint of the device key that will sign the proof.
    pub jkt: String,
    /// What the evidence is bound to: see [`evidence_nonce`].
    pub nonce: String,
}

impl FaceQuestion {
    /// Seals the question to the source.
    pub fn seal(&self, source: &PublicKey) -> Result<String, KeyFailure> {
        #[derive(Serialize)]
        struct Exposed<'a> {
            kind: DocumentType,
            number: &'a str,
            sample: &'a str,
            aud: &'a str,
            jkt: &'a str,
            nonce: &'a str,
        }
        let exposed = Exposed {
            kind: self.kind,
            number: self.number.expose(),
            sample: self.sample.expose(),
            aud: &self.aud,
            jkt: &self.jkt,
            nonce: &self.nonce,
        };
        let body = Zeroizing::new(serde_json::to_vec(&exposed).map_err(|_| KeyFailure)?);
        jwe::seal(source, "json", &body)
    }
}

/// The answer of a face check.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaceCheckAnswer {
    /// The signed evidence.
    pub evidence: String,
}

/// The claims of the evidence: this person stood before this device, for this proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceEvidence {
    /// The platform, by its issuer.
    pub aud: String,
    /// The device key's thumbprint.
    pub jkt: String,
    /// The proof that it serves: see [`evidence_nonce`].
    pub nonce: String,
    /// The source's handle of the person for this platform: 32 bytes, base64url.
    pub person: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] seconds later.
    pub exp: UnixTime,
}

impl Message for FaceEvidence {
    const TYP: &'static str = "cyberid-face-evidence+jwt";
}

/// What evidence for one proof is bound to: the request's nonce, under the proof's own `jti`.
///
/// The `jti` is drawn by the device and only ever stands inside a seal to the platform. So evidence serves one proof,
/// and whoever made a request cannot find it again at the source by the nonce, nor the source the request.
pub fn evidence_nonce(nonce: &Nonce, jti: &Nonce) -> String {
    let name = ["cyberid/v1/evidence-nonce", nonce.as_str(), jti.as_str()].join("\n");
    digest::sha256_base64url(name.as_bytes())
}

/// What the registry keeps of a person's handle: under a key of the platform, so that a stolen registry and the
/// source's own key relate nobody (T4). `None` if the handle is not 32 bytes in base64url.
pub fn person_tag(key: &dyn Mac, person: &str) -> Option<[u8; 32]> {
    let handle: [u8; 32] = base64url::decode_array(person)?;
    Some(key.mac(&[b"person", &handle]))
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey, MacKey, json};

    use super::*;

    #[test]
    fn a_question_is_read_by_the_source_alone() {
        let question = FaceQuestion {
            kind: DocumentType::Passport,
            number: Personal::new("L898902C36".into()),
            sample: Personal::new("sample".into()),
            aud: "https://id.example".into(),
            jkt: "jkt".into(),
            nonce: "nonce".into(),
        };
        let (source, other) = (
            AgreementKey::from_scalar(&[7; 32]).unwrap(),
            AgreementKey::from_scalar(&[8; 32]).unwrap(),
        );
        let sealed = question.seal(&source.public_key()).unwrap();
        let sealed = jwe::Sealed::parse(&sealed).unwrap();
        assert!(sealed.open(&other).is_err());
        let read: FaceQuestion = json::from_slice(&sealed.open(&source).unwrap()).unwrap();
        assert_eq!(
            (read.kind, read.number.expose(), read.sample.expose()),
            (DocumentType::Passport, "L898902C36", "sample")
        );
        assert_eq!(
            (read.aud.as_str(), read.jkt.as_str(), read.nonce.as_str()),
            ("https://id.example", "jkt", "nonce")
        );
    }

    #[test]
    fn evidence_is_for_one_nonce_and_one_proof() {
        let one: Nonce = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let other: Nonce = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        let bound = evidence_nonce(&one, &other);
        assert_eq!(bound, evidence_nonce(&one, &other));
        for different in [
            evidence_nonce(&one, &one),
            evidence_nonce(&other, &other),
            evidence_nonce(&other, &one),
        ] {
            assert_ne!(bound, different);
        }
    }

    #[test]
    fn a_person_is_kept_under_the_platforms_key() {
        let key = |byte| MacKey::new([byte; 32].into());
        let (one, other) = (base64url::encode(&[1; 32]), base64url::encode(&[2; 32]));
        assert_eq!(person_tag(&key(7), &one), person_tag(&key(7), &one));
        assert_ne!(person_tag(&key(7), &one), person_tag(&key(7), &other));
        assert_ne!(person_tag(&key(7), &one), person_tag(&key(8), &one));
        assert_eq!(person_tag(&key(7), &base64url::encode(&[1; 31])), None);
        assert_eq!(person_tag(&key(7), "not base64url"), None);
    }
}
