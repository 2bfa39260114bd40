//! The direct verification: the question goes from app to app, and the platform is called once.

use cyberid_client::KeyRole;
use cyberid_domain::id::Nonce;
use cyberid_protocol::comparison;
use cyberid_protocol::direct_request::{DirectRequest, MAX_LIFE};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::registration::RegistrationCertificate;
use cyberid_protocol::verification::{Attested, DirectBody};

use crate::attestation::{Expected, VerifiedAttestation};
use crate::{Ask, RelyingParty, RelyingPartyError};

impl RelyingParty {
    /// A signed question for the holder's app, and what the answer will have to be. The certificate of the purpose
    /// is among those of [`RelyingParty::with_certificates`].
    pub async fn direct_request(&self, ask: &Ask) -> Result<(String, Expected), RelyingPartyError> {
        let nonce = Nonce::random(&*self.rng);
        let now = self.now();
        let request = DirectRequest {
            iss: self.client_id.clone(),
            purpose: ask.purpose.clone(),
            checks: ask.checks.clone(),
            factors: ask.factors.clone(),
            nonce: nonce.clone(),
            registration_certificate: self.certificate_of(&ask.purpose).await?,
            jwk: self.signer.public_key(),
            iat: now,
            exp: now.plus(ask.expires_in.unwrap_or(MAX_LIFE).min(MAX_LIFE)),
        };
        Ok((request.sign(&*self.signer)?, Expected::new(ask, nonce)))
    }

    /// The four digits to show with a direct question: the holder's device shows the same.
    pub fn comparison_code(&self, expected: &Expected) -> String {
        comparison::code(&self.client_id, "", expected.nonce())
    }

    /// Hands the holder's sealed answer to the platform, and checks the attestation. What was expected is used up:
    /// one question has one answer.
    pub async fn submit_direct(
        &self,
        sealed: String,
        expected: Expected,
    ) -> Result<VerifiedAttestation, RelyingPartyError> {
        let attested: Attested = self
            .session
            .post("/v1/verifications/direct", &DirectBody { sealed })
            .await?;
        Ok(self.check_attestation(&expected, &attested.attestation).await?)
    }

    async fn certificate_of(&self, purpose: &str) -> Result<String, RelyingPartyError> {
        for compact in &self.certificates {
            let certificate = self
                .platform
                .open::<RegistrationCertificate>(KeyRole::Registration, compact);
            let certificate = certificate.await.map_err(RelyingPartyError::Certificate)?;
            if certificate.sub == self.client_id && certificate.intended_use.purpose == purpose {
                return Ok(compact.clone());
            }
        }
        Err(RelyingPartyError::NotCertified)
    }
}
