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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, json, jwe};
    use cyberid_domain::check::Check;
    use cyberid_protocol::message::open;
    use cyberid_protocol::passkey::challenge_of;
    use cyberid_protocol::sealed::SealedProof;
    use serde_json::json;

    use super::*;
    use crate::answer::Question;
    use crate::platform_double::PlatformDouble;
    use crate::testing::{client_id, key, met, opened};

    const FACE_CHECK: &str = "POST /v1/face-checks";

    /// Signs with what it was challenged with.
    struct Echo;

    impl Authenticator for Echo {
        fn assertion(&self, challenge: &[u8; 32]) -> Option<PasskeyAssertion> {
            Some(PasskeyAssertion {
                id: "AA".into(),
                client_data_json: cyberid_crypto::base64url::encode(challenge),
                authenticator_data: "AA".into(),
                signature: "AA".into(),
            })
        }
    }

    /// A source at the platform's address, and a face before it.
    async fn face(double: &Arc<PlatformDouble>, source: &AgreementKey) -> Face {
        let keys = SourceKeys {
            signing_jwk: key(31).public_key(),
            encryption_jwk: source.public_key(),
        };
        double.script_json("GET /v1/source", &keys);
        double.script_json(FACE_CHECK, &json!({"evidence": "f.a.ce"}));
        let client = Client::new(&double.issuer).unwrap();
        Face {
            source: FaceSource::contact(client).await.unwrap(),
            kind: DocumentType::Passport,
            number: Personal::new("L898902C36".into()),
            sample: Personal::new("sample".into()),
        }
    }

    async fn sealed(
        double: &PlatformDouble,
        holder: &Holder,
        asked: &[Factor],
        factors: Factors<'_>,
    ) -> Result<SealedProof, HolderError> {
        let question = Question {
            rp: &client_id(),
            request: None,
            purpose: "register",
            checks: &[Check::RealPerson],
            factors: asked,
            nonce: &"BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        };
        let sealed = holder.seal_proof(&question, factors).await?;
        Ok(SealedProof::read(&opened(double, &sealed)).unwrap())
    }

    #[tokio::test]
    async fn a_face_is_shown_for_the_very_proof_and_a_passkey_signs_it() {
        let (double, holder) = met().await;
        let source = AgreementKey::ephemeral().unwrap();
        let face = face(&double, &source).await;
        let factors = Factors {
            face: Some(&face),
            passkey: Some(&Echo),
            ..Factors::default()
        };
        let asked = [Factor::Device, Factor::Face, Factor::Passkey];
        let sealed = sealed(&double, &holder, &asked, factors).await.unwrap();
        let proof: Proof = open(&sealed.proof, &holder.public_key()).unwrap();
        let evidence = sealed.evidence.unwrap();
        assert_eq!(evidence.face.as_deref(), Some("f.a.ce"));
        let challenge = cyberid_crypto::base64url::encode(&challenge_of(&sealed.proof));
        assert_eq!(evidence.passkey.unwrap().client_data_json, challenge);
        let body: FaceCheckBody = json::from_slice(&double.received(FACE_CHECK)[0].body).unwrap();
        let question = jwe::Sealed::parse(&body.sealed).unwrap().open(&source).unwrap();
        let question: FaceQuestion = json::from_slice(&question).unwrap();
        assert_eq!(
            (question.aud.as_str(), question.jkt.as_str()),
            (double.issuer.as_str(), holder.key.kid())
        );
        assert_eq!(question.nonce, evidence_nonce(&proof.nonce, &proof.jti));
        assert_eq!(
            (question.number.expose(), question.sample.expose()),
            ("L898902C36", "sample")
        );
    }

    #[tokio::test]
    async fn what_is_not_asked_for_stays_and_what_is_has_to_be_there() {
        let (double, holder) = met().await;
        let face = face(&double, &AgreementKey::ephemeral().unwrap()).await;
        let all = Factors {
            face: Some(&face),
            passkey: Some(&Echo),
            ..Factors::default()
        };
        let device = sealed(&double, &holder, &[Factor::Device], all).await.unwrap();
        assert!(device.evidence.is_none());
        for (asked, missing) in [
            (Factor::Face, HolderError::FaceNeeded),
            (Factor::Passkey, HolderError::PasskeyNeeded),
            (Factor::Pin, HolderError::PinNeeded),
        ] {
            let refused = sealed(&double, &holder, &[asked], Factors::default()).await;
            assert_eq!(refused.err(), Some(missing));
        }
        assert!(double.received(FACE_CHECK).is_empty());
    }
}
