//! The holder's devices and PIN: a second device with the word of the first, a lost one revoked, all lost and recovered by
//! fresh evidence.

use cyberid_client::KeyRole;
use cyberid_crypto::{KeyFailure, Sign, jwe};
use cyberid_domain::id::Nonce;
use cyberid_domain::pin::Pin;
use cyberid_protocol::certificate::{self, Certificate};
use cyberid_protocol::device::{
    AlertView, Alerts, DeviceAdded, DeviceApproval, DeviceView, Devices, MAX_LIFE, Recovered, SealedBody,
    SealedDevice, SealedPinChange,
};
use cyberid_protocol::enrolment::{Document, Evidence, NonceAnswer};
use cyberid_protocol::key_proof::KeyProof;
use cyberid_protocol::message::{Message as _, check_life};

use zeroize::Zeroizing;

use crate::personal::{person, written};
use crate::{Holder, HolderError};

/// Fresh evidence of who the holder is, and the PIN from now on.
#[derive(Debug)]
pub struct Reproof {
    /// The identity document.
    pub document: Document,
    /// Evidence that the holder is its person.
    pub evidence: Evidence,
    /// The PIN from now on.
    pub pin: Pin,
}

impl Holder {
    /// What this device, which is nobody's yet, hands to one that the holder has: the proof of its key, good for five
    /// minutes and for one use.
    pub async fn device_request(&self) -> Result<String, HolderError> {
        self.key_proof_of(&*self.key).await
    }

    pub(crate) async fn key_proof_of(&self, key: &dyn Sign) -> Result<String, HolderError> {
        let NonceAnswer { nonce, .. } = self.client().post_empty("/v1/nonces").await?;
        let proof = KeyProof {
            aud: self.platform.issuer().into(),
            nonce,
            iat: self.now(),
        };
        Ok(proof.sign(key)?)
    }

    /// Adds the device that made this request ([`Holder::device_request`]) to the holder's, with the PIN.
    pub async fn approve_device(&self, request: &str, pin: &Pin) -> Result<DeviceAdded, HolderError> {
        let (key, proof) = KeyProof::open(request).map_err(|_| HolderError::DeviceRequest)?;
        if proof.aud != self.platform.issuer() {
            return Err(HolderError::DeviceRequest);
        }
        let now = self.now();
        let approval = DeviceApproval {
            aud: proof.aud,
            device_jkt: key.thumbprint(),
            iat: now,
            exp: now.plus(MAX_LIFE),
            jti: Nonce::random(&*self.rng),
        };
        let approval = approval.sign(&*self.key)?;
        let platform = self.platform.sealing_key().await?;
        let sealed = SealedDevice::seal(&platform, request, &approval, pin)?;
        Ok(self
            .session
            .post("/v1/me/devices", &SealedBody { sealed })
            .await?)
    }

    /// The holder's devices, oldest first.
    pub async fn devices(&self) -> Result<Vec<DeviceView>, HolderError> {
        let Devices { devices } = self.session.get("/v1/me/devices").await?;
        Ok(devices)
    }

    /// What happened to devices and PIN, the latest first.
    pub async fn alerts(&self) -> Result<Vec<AlertView>, HolderError> {
        let Alerts { alerts } = self.session.get("/v1/me/alerts").await?;
        Ok(alerts)
    }

    /// Revokes one of the holder's devices, at once and for good.
    pub async fn revoke_device(&self, thumbprint: &str) -> Result<(), HolderError> {
        Ok(self
            .session
            .delete(&format!("/v1/me/devices/{thumbprint}"))
            .await?)
    }

    /// Makes this device the holder's by fresh evidence, and sets the PIN; with `revoke_others` all others are revoked at
    /// once. A certificate that is answered was checked to be the platform's, and this device's.
    pub async fn recover(&self, reproof: &Reproof, revoke_others: bool) -> Result<Recovered, HolderError> {
        let key_proof = self.device_request().await?;
        let body = recovery_json(reproof, &key_proof, revoke_others)?;
        let recovered: Recovered = self.client().post_personal("/v1/recoveries", body).await?;
        if let Some(credential) = &recovered.credential {
            self.check_own(credential).await?;
        }
        Ok(recovered)
    }

    /// Changes the PIN with the old one.
    pub async fn change_pin(&self, pin: &Pin, new_pin: &Pin) -> Result<(), HolderError> {
        let platform = self.platform.sealing_key().await?;
        let sealed = SealedPinChange::seal(&platform, pin, new_pin)?;
        Ok(self
            .session
            .post_no_content("/v1/me/pin", &SealedBody { sealed })
            .await?)
    }

    /// Sets the PIN anew by fresh evidence, from a device of the holder.
    pub async fn reset_pin(&self, reproof: &Reproof) -> Result<(), HolderError> {
        let body = written(&person(&reproof.document, &reproof.evidence, &reproof.pin), "}")?;
        let platform = self.platform.sealing_key().await?;
        let sealed = jwe::seal(&platform, "json", &body)?;
        let body = SealedBody { sealed };
        Ok(self.session.post_no_content("/v1/me/pin-resets", &body).await?)
    }

    pub(crate) async fn check_own(&self, credential: &str) -> Result<(), HolderError> {
        let certificate = self
            .platform
            .open::<Certificate>(KeyRole::Certificate, credential);
        let certificate = certificate.await.map_err(|_| HolderError::CredentialRefused)?;
        let ours = certificate.iss == self.platform.issuer() && certificate.cnf.jkt == self.key.kid();
        check_life(
            certificate.iat,
            certificate.exp,
            certificate::MAX_LIFE,
            self.now(),
        )
        .ok()
        .filter(|()| ours)
        .ok_or(HolderError::CredentialRefused)
    }
}

/// The body of `POST /v1/recoveries`.
pub(crate) fn recovery_json(
    reproof: &Reproof,
    key_proof: &str,
    revoke_others: bool,
) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    let mut members = person(&reproof.document, &reproof.evidence, &reproof.pin);
    members.push((r#","key_proof":"#, key_proof));
    let end = format!(r#","revoke_others":{revoke_others}}}"#);
    written(&members, &end)
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::json;
    use cyberid_domain::document::DocumentType;
    use cyberid_domain::personal::Personal;
    use cyberid_domain::rng::SystemRng;
    use cyberid_protocol::device::{RecoveryBody, SealedPinReset};
    use cyberid_protocol::message::open;
    use serde_json::json;

    use super::*;
    use crate::DeviceKey;
    use crate::testing::{met, opened};

    const NONCE: &str = r#"{"nonce":"BBBBBBBBBBBBBBBBBBBBBA","expires_in":300}"#;

    fn reproof() -> Reproof {
        let personal = |text: &str| Personal::new(text.into());
        Reproof {
            document: Document {
                kind: DocumentType::Passport,
                name: personal("O\"Neil"),
                number: personal("L898902C36"),
                valid_until: personal("2030-01-31"),
            },
            evidence: Evidence {
                kind: "synthetic".into(),
                token: personal("a.b.c"),
                chip: None,
            },
            pin: Pin::chosen("52719406".into()).unwrap(),
        }
    }

    #[tokio::test]
    async fn an_approval_is_of_the_very_key_and_sealed_with_the_pin() {
        let (double, holder) = met().await;
        let device = DeviceKey::make(&SystemRng).unwrap();
        let proof = |aud: &str| KeyProof {
            aud: aud.into(),
            nonce: "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
            iat: holder.now(),
        };
        let foreign = proof("https://id.example").sign(&*device.signer()).unwrap();
        let pin = reproof().pin;
        let refused = holder.approve_device(&foreign, &pin).await;
        assert_eq!(refused.err(), Some(HolderError::DeviceRequest));
        let request = proof(&double.issuer).sign(&*device.signer()).unwrap();
        let added = json!({"thumbprint": device.public_key().thumbprint(), "release_from": 7});
        double.script("POST /v1/me/devices", 201, added.to_string());
        holder.approve_device(&request, &pin).await.unwrap();
        let body: SealedBody = json::from_slice(&double.received("POST /v1/me/devices")[0].body).unwrap();
        let sealed = SealedDevice::read(&opened(&double, &body.sealed)).unwrap();
        let approval: DeviceApproval = open(&sealed.approval, &holder.public_key()).unwrap();
        assert_eq!(approval.device_jkt, device.signer().kid());
        assert_eq!((approval.aud, sealed.key_proof), (double.issuer.clone(), request));
        assert_eq!(sealed.pin.expose(), "52719406");
    }

    #[tokio::test]
    async fn a_recovery_is_what_the_platform_reads_and_its_certificate_is_checked() {
        let (double, holder) = met().await;
        double.script("POST /v1/nonces", 200, NONCE);
        let answer = json!({"network_number": cyberid_domain::number::NetworkNumber::random(&SystemRng),
            "status": "active", "credential": "a.b.c", "credential_expires_at": 7, "release_from": 8});
        double.script("POST /v1/recoveries", 201, answer.to_string());
        let recovered = holder.recover(&reproof(), true).await;
        assert_eq!(recovered.err(), Some(HolderError::CredentialRefused));
        let body: RecoveryBody = json::from_slice(&double.received("POST /v1/recoveries")[0].body).unwrap();
        assert!(body.revoke_others && body.document.name.expose() == "O\"Neil");
        assert_eq!(KeyProof::open(&body.key_proof).unwrap().0, holder.public_key());
    }

    #[tokio::test]
    async fn a_reset_travels_inside_the_seal_only() {
        let (double, holder) = met().await;
        double.script("POST /v1/me/pin-resets", 204, "");
        holder.reset_pin(&reproof()).await.unwrap();
        let sent = &double.received("POST /v1/me/pin-resets")[0].body;
        let body: SealedBody = json::from_slice(sent).unwrap();
        let reset = SealedPinReset::read(&opened(&double, &body.sealed)).unwrap();
        assert_eq!(
            (reset.pin.expose(), reset.document.number.expose()),
            ("52719406", "L898902C36")
        );
    }
}
