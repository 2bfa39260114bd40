//! The life of one's own identifier: halted and resumed, renewed, and numbered anew.

use cyberid_client::KeyRole;
use cyberid_crypto::base64url;
use cyberid_domain::UnixTime;
use cyberid_domain::id::Nonce;
use cyberid_domain::pin::Pin;
use cyberid_protocol::certificate::{self, Certificate};
use cyberid_protocol::enrolment::{Document, Evidence, number_commitment};
use cyberid_protocol::life::{
    DrawnNumber, GuardianBody, LifeAnswer, MAX_LIFE, Renewed, Renumbering, RenumberingBody, Resumption,
    ResumptionBody, SealedResumption, Suspension, SuspensionBody,
};
use cyberid_protocol::message::{Message as _, check_life};
use serde_json::{Value, json};

use crate::{Holder, HolderError};

impl Holder {
    /// Halts this holder's identifier, at once: nothing passes and nothing is released until it is lifted.
    pub async fn suspend(&self) -> Result<LifeAnswer, HolderError> {
        let (iat, exp) = self.moment();
        let suspension = Suspension {
            aud: self.platform.issuer().into(),
            iat,
            exp,
            jti: Nonce::random(&*self.rng),
        };
        let suspension = suspension.sign(&*self.key)?;
        let body = SuspensionBody { suspension };
        Ok(self.client().post("/v1/me/suspend", &body).await?)
    }

    /// Lifts this holder's own halt. The answer says what others still have against it.
    pub async fn resume_identifier(&self, pin: &Pin) -> Result<LifeAnswer, HolderError> {
        let (iat, exp) = self.moment();
        let resumption = Resumption {
            aud: self.platform.issuer().into(),
            iat,
            exp,
            jti: Nonce::random(&*self.rng),
        };
        let resumption = resumption.sign(&*self.key)?;
        let platform = self.platform.sealing_key().await?;
        let body = ResumptionBody {
            sealed: SealedResumption::seal(&platform, &resumption, pin)?,
        };
        Ok(self.client().post("/v1/me/resume", &body).await?)
    }

    /// Renews the certificate: by this device alone while the identifier is active; with document and evidence once it has
    /// expired. The new certificate was checked to be the platform's, and this device's.
    pub async fn renew(&self, proof: Option<(&Document, &Evidence)>) -> Result<Renewed, HolderError> {
        let body = proof.map_or_else(|| json!({}), |proof| json!({"proof": stated(proof)}));
        let renewed: Renewed = self.session.post("/v1/me/renewal", &body).await?;
        self.check_renewed(&renewed).await?;
        Ok(renewed)
    }

    /// Proves a valid document with fresh evidence: it takes the place of the one in the record, and what was suspended
    /// because that one was lost or withdrawn is suspended for it no more. The answer says how the identifier stands.
    pub async fn prove_document(
        &self,
        document: &Document,
        evidence: &Evidence,
    ) -> Result<LifeAnswer, HolderError> {
        let body = stated((document, evidence));
        Ok(self.session.post("/v1/me/document", &body).await?)
    }

    /// Takes a fresh network number in the place of the old one. Pseudonyms stay.
    pub async fn renumber(&self) -> Result<Renewed, HolderError> {
        let drawn: DrawnNumber = self.session.post_empty("/v1/me/network-number", &[]).await?;
        let salt = base64url::decode(&drawn.salt).ok_or(HolderError::CredentialRefused)?;
        let (iat, exp) = self.moment();
        let renumbering = Renumbering {
            aud: self.platform.issuer().into(),
            number_commitment: number_commitment(&salt, &drawn.network_number),
            iat,
            exp,
            jti: Nonce::random(&*self.rng),
        };
        let renumbering = renumbering.sign(&*self.key)?;
        let body = RenumberingBody { renumbering };
        let path = "/v1/me/network-number/confirm";
        let renewed: Renewed = self.client().post(path, &body).await?;
        if renewed.network_number != drawn.network_number {
            return Err(HolderError::CredentialRefused);
        }
        self.check_renewed(&renewed).await?;
        Ok(renewed)
    }

    /// Names another guardian, for a minor whose guardianships have ended.
    pub async fn appoint_guardian(&self, guardian_consent: &str) -> Result<(), HolderError> {
        let body = GuardianBody {
            guardian_consent: guardian_consent.into(),
        };
        Ok(self.session.post_no_content("/v1/me/guardians", &body).await?)
    }

    async fn check_renewed(&self, renewed: &Renewed) -> Result<(), HolderError> {
        let credential = self
            .platform
            .open::<Certificate>(KeyRole::Certificate, &renewed.credential);
        let credential = credential.await.map_err(|_| HolderError::CredentialRefused)?;
        let ours = credential.iss == self.platform.issuer()
            && credential.cnf.jkt == self.key.kid()
            && credential.exp == renewed.credential_expires_at;
        check_life(credential.iat, credential.exp, certificate::MAX_LIFE, self.now())
            .ok()
            .filter(|()| ours)
            .ok_or(HolderError::CredentialRefused)
    }

    fn moment(&self) -> (UnixTime, UnixTime) {
        let now = self.now();
        (now, now.plus(MAX_LIFE))
    }
}

fn stated((document, evidence): (&Document, &Evidence)) -> Value {
    json!({
        "document": {
            "type": document.kind.as_str(), "name": document.name.expose(),
            "number": document.number.expose(), "valid_until": document.valid_until.expose(),
        },
        "evidence": {"kind": evidence.kind, "token": evidence.token.expose()},
    })
}
