//! The direct proof: the relying party's app asks the holder's app, and the platform is called once, by the relying
//! party.

use cyberid_crypto::jws::InvalidJws;
use cyberid_crypto::{base64url, json};
use cyberid_domain::pin::Pin;
use cyberid_protocol::direct_request::{self, DirectRequest};
use cyberid_protocol::message::{check_life, open};
use cyberid_protocol::request::RequestingParty;

use crate::answer::Question;
use crate::certified::Certified;
use crate::{Holder, HolderError, RequestRefused};

/// A direct request that can be shown, and then answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedDirect {
    request: DirectRequest,
    party: RequestingParty,
}

impl ReviewedDirect {
    /// What is asked.
    pub fn request(&self) -> &DirectRequest {
        &self.request
    }

    /// Who asks, as the platform names them.
    pub fn party(&self) -> &RequestingParty {
        &self.party
    }
}

impl Holder {
    /// Reviews a direct request: the relying party signed it, and the platform vouches for that relying party.
    pub async fn review_direct(&self, compact: &str) -> Result<ReviewedDirect, HolderError> {
        Ok(self.reviewed_direct(compact).await?)
    }

    async fn reviewed_direct(&self, compact: &str) -> Result<ReviewedDirect, RequestRefused> {
        let request = signed_by_itself(compact)?;
        check_life(request.iat, request.exp, direct_request::MAX_LIFE, self.now())?;
        let certified =
            Certified::open(&self.platform, &request.registration_certificate, self.now()).await?;
        certified.covers_signer(&request.iss, &request.jwk.thumbprint())?;
        certified.covers_checks(&request.purpose, &request.checks)?;
        let party = certified.party();
        Ok(ReviewedDirect { request, party })
    }

    /// The sealed proof to hand to the relying party's app, which cannot read it.
    pub async fn direct_proof(
        &self,
        reviewed: &ReviewedDirect,
        pin: Option<&Pin>,
    ) -> Result<String, HolderError> {
        let request = &reviewed.request;
        let question = Question {
            rp: &request.iss,
            request: None,
            purpose: &request.purpose,
            checks: &request.checks,
            factors: &request.factors,
            nonce: &request.nonce,
        };
        self.seal_proof(&question, pin).await
    }
}

/// The claims, signed by the key that they name; whether that key is anybody's is for the certificate to say.
fn signed_by_itself(compact: &str) -> Result<DirectRequest, InvalidJws> {
    let payload = compact.split('.').nth(1).and_then(base64url::decode);
    let claimed: DirectRequest =
        json::from_slice(&payload.ok_or(InvalidJws::Malformed)?).map_err(|_| InvalidJws::Claims)?;
    open(compact, &claimed.jwk)
}
