//! A person who wants an identifier, with a device.

use cyberid_crypto::SigningKey;
use cyberid_domain::UnixTime;
use cyberid_domain::document::gb11643_check;
use cyberid_domain::id::Nonce;
use cyberid_protocol::key_proof::KeyProof;
use serde_json::{Value, json};

use super::platform::ISSUER;
use super::source_peer::signing_key;

pub(super) struct Applicant {
    pub(super) device: SigningKey,
    pub(super) number: String,
    pub(super) valid_until: String,
    pub(super) evidence: String,
    pub(super) pin: String,
}

impl Applicant {
    /// Person number `which`, with true evidence and a fresh device.
    pub(super) fn new(which: u16) -> Self {
        let body = format!("11010519900517{which:03}");
        Self {
            device: signing_key(),
            number: format!("{body}{}", gb11643_check(&body)),
            valid_until: "2034-05-01".into(),
            evidence: "true".into(),
            pin: "31415926".into(),
        }
    }

    /// The body of an enrolment with this key proof.
    pub(super) fn body(&self, key_proof: &str) -> Value {
        json!({
            "document": {"type": "resident_id_card", "name": "王小明", "number": self.number,
                "valid_until": self.valid_until},
            "evidence": {"kind": "sandbox", "token": self.evidence},
            "pin": self.pin,
            "key_proof": key_proof,
            "locale": "zh-CN",
        })
    }

    /// A key proof over `nonce`, signed at `iat`.
    pub(super) fn proof(&self, nonce: &Nonce, iat: UnixTime) -> String {
        self.proof_for(ISSUER, nonce, iat)
    }

    /// A key proof for another audience.
    pub(super) fn proof_for(&self, aud: &str, nonce: &Nonce, iat: UnixTime) -> String {
        let (aud, nonce) = (aud.to_owned(), nonce.clone());
        KeyProof { aud, nonce, iat }.sign(&self.device).unwrap()
    }

    pub(super) fn jkt(&self) -> String {
        use cyberid_crypto::Sign as _;
        self.device.public_key().thumbprint()
    }
}
