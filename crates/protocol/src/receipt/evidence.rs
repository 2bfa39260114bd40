//! What a record is made of: the signed words, and what is needed to recognise them in a leaf.

use cyberid_crypto::{Jwk, PublicKey, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::id::ConsentId;
use serde::{Deserialize, Serialize};

use crate::consent::Consent;
use crate::leaf::{Leaf, LeafKind, subject_commitment};
use crate::message;
use crate::request::{ReleaseRequest, RequestObject};

/// The evidence of a consent, by which each word of the record can be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// The statement as it was shown; the consent holds its SHA-256.
    pub statement: String,
    /// The request object that was answered; the consent holds its SHA-256.
    pub request: String,
    /// The consent as the device signed it; the leaf holds its SHA-256.
    pub consent: String,
    /// The device key's public half; its thumbprint is the consent's `kid`.
    pub device_jwk: Jwk,
    /// The salt of the leaf's commitment to the device key, base64url: with it the leaf is recognised.
    pub salt: String,
}

/// A part of the evidence cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvidence {
    /// The consent.
    #[error("the consent cannot be read")]
    Consent,
    /// The request object.
    #[error("the request object cannot be read")]
    Request,
    /// The device key.
    #[error("the device key cannot be read")]
    Device,
    /// The salt.
    #[error("the salt cannot be read")]
    Salt,
    /// The events, of which the first is the consent and each has its leaf.
    #[error("the events are not those of a consent")]
    Events,
}

/// What evidence says. Nobody has checked a signature of it.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRead {
    /// The claims of the consent.
    pub consent: Consent,
    /// The claims of the request object.
    pub request: ReleaseRequest,
    /// The device key.
    pub device: PublicKey,
    /// The salt.
    pub salt: [u8; 32],
}

impl Evidence {
    /// What the evidence says, before any signature was checked.
    pub fn read(&self) -> Result<EvidenceRead, InvalidEvidence> {
        let consent = message::unverified::<Consent>(&self.consent);
        let consent = consent.and_then(|consent| consent.unchecked_claims());
        let device = PublicKey::try_from(&self.device_jwk).map_err(|_| InvalidEvidence::Device)?;
        if device.to_jwk() != self.device_jwk {
            return Err(InvalidEvidence::Device);
        }
        Ok(EvidenceRead {
            consent: consent.map_err(|_| InvalidEvidence::Consent)?,
            request: read_request(&self.request)?,
            device,
            salt: base64url::decode_array(&self.salt).ok_or(InvalidEvidence::Salt)?,
        })
    }
}

impl EvidenceRead {
    /// The last of the leaves that these events left in the ledger. Each is linked to the one before, so that a proof of
    /// this one is a proof of them all.
    pub fn leaf(
        &self,
        compact: &str,
        events: impl IntoIterator<Item = (LeafKind, UnixTime)>,
    ) -> Result<Leaf, InvalidEvidence> {
        let mut events = events.into_iter();
        let Some((LeafKind::ConsentGranted, granted)) = events.next() else {
            return Err(InvalidEvidence::Events);
        };
        let commitment = subject_commitment(&self.salt, &self.device.thumbprint());
        let first = self.consent.leaf(compact, commitment, granted);
        events.try_fold(first, |leaf, (kind, time)| {
            leaf.followed_by(kind, time).map_err(|_| InvalidEvidence::Events)
        })
    }
}

/// Reads the claims of a request object without its signature: its key may be long gone, and the consent holds its hash.
fn read_request(compact: &str) -> Result<ReleaseRequest, InvalidEvidence> {
    let claims = message::unverified::<RequestObject>(compact).and_then(|request| request.unchecked_claims());
    match claims {
        Ok(RequestObject::Release(request)) => Ok(request),
        _ => Err(InvalidEvidence::Request),
    }
}

/// The id of a consent: 128 bits that only whoever knows the salt can foretell, and whoever holds the receipt can check.
pub fn consent_id(salt: &[u8; 32], compact: &str) -> ConsentId {
    let sha256 = digest::sha256(compact.as_bytes());
    let tag = digest::hmac_parts(salt, &[b"cyberid/v1/consent-id", &sha256]);
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(tag)
        .for_each(|(byte, of_tag)| *byte = of_tag);
    ConsentId::from_bytes(&bytes)
}
