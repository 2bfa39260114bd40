//! What stands beside the device key in an answer: PIN, face, passkey. Nothing leaves the device that is not asked for.

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_domain::check::Factor;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_domain::pin::Pin;
use cyberid_protocol::face::{FaceCheckAnswer, FaceCheckBody, FaceQuestion, evidence_nonce};
use cyberid_protocol::passkey::{
    NewPasskeyBody, PasskeyAdded, PasskeyAssertion, PasskeyRegistration, Passkeys,
};
use cyberid_protocol::proof::Proof;
use cyberid_protocol::sealed::SealedPasskey;
use cyberid_protocol::source::SourceKeys;

use crate::{Holder, HolderError};

/// The factors that a holder has at hand; an answer takes those that are asked for.
#[derive(Clone, Copy, Default)]
pub struct Factors<'a> {
    /// The PIN.
    pub pin: Option<&'a Pin>,
    /// The face, in front of the camera.
    pub face: Option<&'a Face>,
    /// A passkey.
    pub passkey: Option<&'a dyn Authenticator>,
}

impl<'a> From<Option<&'a Pin>> for Factors<'a> {
    fn from(pin: Option<&'a Pin>) -> Self {
        Self {
            pin,
            ..Self::default()
        }
    }
}

/// A passkey that signs: the browser's or the phone's.
pub trait Authenticator: Sync {
    /// The assertion over a challenge, on the platform's own origin; `None` if the person does not want to.
    fn assertion(&self, challenge: &[u8; 32]) -> Option<PasskeyAssertion>;
}

/// The evidence adapter of the identity source.
#[derive(Debug, Clone)]
pub struct FaceSource {
    client: Client,
    key: PublicKey,
}

/// A face in front of the camera, of the person of a document.
#[derive(Debug, Clone)]
pub struct Face {
    /// Where it is shown.
    pub source: FaceSource,
    /// Which kind of document the person enrolled with.
    pub kind: DocumentType,
    /// Its number.
    pub number: Personal,
    /// What the camera made; in a sandbox the person's evidence token.
    pub sample: Personal,
}

impl FaceSource {
    /// The source at a client's address, by the key that it shows there.
    pub async fn contact(client: Client) -> Result<Self, HolderError> {
        let keys: SourceKeys = client.get("/v1/source").await?;
        Ok(Self {
            client,
            key: keys.encryption_jwk,
        })
    }
}

impl Face {
    /// Evidence of this face for one proof of one device.
    async fn evidence(&self, proof: &Proof, jkt: &str) -> Result<String, HolderError> {
        let question = FaceQuestion {
            kind: self.kind,
            number: self.number.clone(),
            sample: self.sample.clone(),
            aud: proof.aud.clone(),
            jkt: jkt.into(),
            nonce: evidence_nonce(&proof.nonce, &proof.jti),
        };
        let sealed = question.seal(&self.source.key)?;
        let body = FaceCheckBody { sealed };
        let answer: FaceCheckAnswer = self.source.client.post("/v1/face-checks", &body).await?;
        Ok(answer.evidence)
    }
}

impl Factors<'_> {
    /// The PIN, if it is asked for.
    pub(crate) fn pin_for(&self, asked: &[Factor]) -> Result<Option<&Pin>, HolderError> {
        match (asked.contains(&Factor::Pin), self.pin) {
            (true, None) => Err(HolderError::PinNeeded),
            (true, pin) => Ok(pin),
            (false, _) => Ok(None),
        }
    }

    /// The evidence of a face for this proof, if it is asked for.
    pub(crate) async fn face_for(&self, proof: &Proof, jkt: &str) -> Result<Option<String>, HolderError> {
        if !proof.factors.contains(&Factor::Face) {
            return Ok(None);
        }
        let face = self.face.ok_or(HolderError::FaceNeeded)?;
        face.evidence(proof, jkt).await.map(Some)
    }

    /// The use of a passkey over a challenge, if it is asked for.
    pub(crate) fn passkey_for(
        &self,
        asked: &[Factor],
        challenge: &[u8; 32],
    ) -> Result<Option<PasskeyAssertion>, HolderError> {
        if !asked.contains(&Factor::Passkey) {
            return Ok(None);
        }
        let assertion = self.passkey.and_then(|passkey| passkey.assertion(challenge));
        assertion.map(Some).ok_or(HolderError::PasskeyNeeded)
    }

    /// Whether everything is at hand that is asked for, before anything is sent.
    pub(crate) fn require(&self, asked: &[Factor]) -> Result<(), HolderError> {
        self.pin_for(asked)?;
        if asked.contains(&Factor::Face) && self.face.is_none() {
            return Err(HolderError::FaceNeeded);
        }
        if asked.contains(&Factor::Passkey) && self.passkey.is_none() {
            return Err(HolderError::PasskeyNeeded);
        }
        Ok(())
    }
}

impl Holder {
    /// Adds a passkey that was made over a fresh nonce of `POST /v1/nonces`, with the PIN that allows it.
    pub async fn add_passkey(&self, passkey: &PasskeyRegistration, pin: &Pin) -> Result<String, HolderError> {
        let platform = self.platform.sealing_key().await?;
        let body = NewPasskeyBody {
            sealed: SealedPasskey::seal(&platform, passkey, pin)?,
        };
        let added: PasskeyAdded = self.session.post("/v1/me/passkeys", &body).await?;
        Ok(added.id)
    }

    /// The holder's passkeys, oldest first.
    pub async fn passkeys(&self) -> Result<Passkeys, HolderError> {
        Ok(self.session.get("/v1/me/passkeys").await?)
    }

    /// Removes a passkey.
    pub async fn remove_passkey(&self, id: &str) -> Result<(), HolderError> {
        Ok(self.session.delete(&format!("/v1/me/passkeys/{id}")).await?)
    }
}
