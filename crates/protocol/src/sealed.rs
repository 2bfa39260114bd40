//! What is inside a message sealed to the platform: the only place where a PIN may stand.

use cyberid_crypto::{KeyFailure, PublicKey, json, jwe};
use cyberid_domain::pin::Pin;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::passkey::{PasskeyAssertion, PasskeyRegistration};

/// A sealed answer to a verification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedProof {
    /// The signed proof.
    pub proof: String,
    /// The PIN, where it was asked for.
    #[serde(default)]
    pub pin: Option<Pin>,
    /// Evidence, where it was asked for.
    #[serde(default)]
    pub evidence: Option<Evidence>,
}

/// What stands beside the device key and the PIN: one member for each factor that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The compact evidence of a face ([`crate::face::FaceEvidence`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<String>,
    /// The use of a passkey over the proof ([`crate::passkey`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyAssertion>,
}

/// A sealed new passkey. The PIN is what a thief of the unlocked device lacks: with the device key alone nobody adds a
/// passkey of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPasskey {
    /// What the browser made.
    pub passkey: PasskeyRegistration,
    /// The holder's PIN.
    pub pin: Pin,
}

/// A sealed answer to a release.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedConsent {
    /// The signed consent.
    pub consent: String,
    /// A guardian's agreement, for whoever is under 14 (`cyberid-guardian-release+jwt`).
    #[serde(default)]
    pub guardian_consent: Option<String>,
}

impl SealedProof {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals a proof, and the PIN where it was asked for, to the platform.
    pub fn seal(platform: &PublicKey, proof: &str, pin: Option<&Pin>) -> Result<String, KeyFailure> {
        Self::seal_with(platform, proof, pin, &Evidence::default())
    }

    /// Seals a proof, and what else was asked for, to the platform.
    pub fn seal_with(
        platform: &PublicKey,
        proof: &str,
        pin: Option<&Pin>,
        evidence: &Evidence,
    ) -> Result<String, KeyFailure> {
        // A compact JWS and eight digits need no escaping.
        let pin = pin
            .map(|pin| Zeroizing::new(format!(r#","pin":"{}""#, pin.expose())))
            .unwrap_or_default();
        let evidence = evidence.member()?;
        let body = Zeroizing::new(format!(r#"{{"proof":"{proof}"{}{evidence}}}"#, *pin));
        jwe::seal(platform, "json", body.as_bytes())
    }
}

impl Evidence {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The member of a seal, with the comma before it; nothing if there is none.
    fn member(&self) -> Result<String, KeyFailure> {
        if self.is_empty() {
            return Ok(String::new());
        }
        let evidence = serde_json::to_string(self).map_err(|_| KeyFailure)?;
        Ok(format!(r#","evidence":{evidence}"#))
    }
}

impl SealedPasskey {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals a new passkey, with the PIN that allows it, to the platform.
    pub fn seal(
        platform: &PublicKey,
        passkey: &PasskeyRegistration,
        pin: &Pin,
    ) -> Result<String, KeyFailure> {
        let passkey = serde_json::to_string(passkey).map_err(|_| KeyFailure)?;
        let body = Zeroizing::new(format!(r#"{{"passkey":{passkey},"pin":"{}"}}"#, pin.expose()));
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
        Self::seal_with(platform, consent, None)
    }

    /// Seals a consent, and a guardian's agreement where it is needed, to the platform.
    pub fn seal_with(
        platform: &PublicKey,
        consent: &str,
        guardian_consent: Option<&str>,
    ) -> Result<String, KeyFailure> {
        let consent = serde_json::to_string(consent).map_err(|_| KeyFailure)?;
        let guardian = serde_json::to_string(&guardian_consent).map_err(|_| KeyFailure)?;
        let body = match guardian_consent {
            Some(_) => format!(r#"{{"consent":{consent},"guardian_consent":{guardian}}}"#),
            None => format!(r#"{{"consent":{consent}}}"#),
        };
        jwe::seal(platform, "json", body.as_bytes())
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
        assert!(read.evidence.is_none());
        assert!(SealedConsent::read(&opened).is_err());
    }

    #[test]
    fn evidence_travels_beside_the_proof_and_nothing_unknown_does() {
        let key = AgreementKey::from_scalar(&[7; 32]).unwrap();
        let evidence = Evidence {
            face: Some("f.a.ce".into()),
            passkey: Some(PasskeyAssertion {
                id: "AA".into(),
                client_data_json: "AA".into(),
                authenticator_data: "AA".into(),
                signature: "AA".into(),
            }),
        };
        let sealed = SealedProof::seal_with(&key.public_key(), "a.b.c", None, &evidence).unwrap();
        let opened = jwe::Sealed::parse(&sealed).unwrap().open(&key).unwrap();
        let read = SealedProof::read(&opened).unwrap();
        assert_eq!((read.evidence, read.pin.is_none()), (Some(evidence), true));
        for unknown in [
            r#"{"proof":"a.b.c","evidence":{"score":"0.9"}}"#,
            r#"{"proof":"a.b.c","evidence":{"face":7}}"#,
            r#"{"proof":"a.b.c","evidence":{"passkey":{"id":"AA"}}}"#,
        ] {
            assert!(SealedProof::read(unknown.as_bytes()).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_new_passkey_is_sealed_with_the_pin() {
        let key = AgreementKey::from_scalar(&[7; 32]).unwrap();
        let pin = Pin::chosen("27182845".into()).unwrap();
        let passkey = PasskeyRegistration {
            id: "AA".into(),
            client_data_json: "AA".into(),
            authenticator_data: "AA".into(),
            public_key: "AA".into(),
            public_key_algorithm: -7,
            transports: None,
        };
        let sealed = SealedPasskey::seal(&key.public_key(), &passkey, &pin).unwrap();
        let opened = jwe::Sealed::parse(&sealed).unwrap().open(&key).unwrap();
        let read = SealedPasskey::read(&opened).unwrap();
        assert_eq!((read.passkey, read.pin.expose()), (passkey, "27182845"));
    }
}
