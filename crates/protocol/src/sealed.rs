//! What is inside a message sealed to the platform: the only place where a PIN may stand.

use cyberid_crypto::{KeyFailure, PublicKey, json, jwe};
use cyberid_domain::pin::Pin;
use serde::Deserialize;
use zeroize::Zeroizing;

/// A sealed answer to a verification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedProof {
    /// The signed proof.
    pub proof: String,
    /// The PIN, where it was asked for.
    #[serde(default)]
    pub pin: Option<Pin>,
}

/// A sealed answer to a release.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedConsent {
    /// The signed consent.
    pub consent: String,
}

impl SealedProof {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals a proof, and the PIN where it was asked for, to the platform.
    pub fn seal(platform: &PublicKey, proof: &str, pin: Option<&Pin>) -> Result<String, KeyFailure> {
        // A compact JWS and eight digits need no escaping.
        let pin = pin
            .map(|pin| Zeroizing::new(format!(r#","pin":"{}""#, pin.expose())))
            .unwrap_or_default();
        let body = Zeroizing::new(format!(r#"{{"proof":"{proof}"{}}}"#, *pin));
        jwe::seal(platform, "json", body.as_bytes())
    }
}

impl SealedConsent {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals a consent to the platform.
    pub fn seal(platform: &PublicKey, consent: &str) -> Result<String, KeyFailure> {
        jwe::seal(
            platform,
            "json",
            format!(r#"{{"consent":"{consent}"}}"#).as_bytes(),
        )
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey};

    use super::*;

    #[test]
    fn a_pin_travels_inside_the_seal_only() {
        let key = AgreementKey::from_scalar(&[7; 32]).unwrap();
        let pin = Pin::chosen("27182845".into()).unwrap();
        let sealed = SealedProof::seal(&key.public_key(), "a.b.c", Some(&pin)).unwrap();
        let opened = jwe::Sealed::parse(&sealed).unwrap().open(&key).unwrap();
        let read = SealedProof::read(&opened).unwrap();
        assert_eq!(
            (read.proof.as_str(), read.pin.unwrap().expose()),
            ("a.b.c", "27182845")
        );
        assert!(SealedConsent::read(&opened).is_err());
    }
}
