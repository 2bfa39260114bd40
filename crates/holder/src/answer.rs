//! Answering a verification, or refusing any request: refusing is as easy as agreeing.

use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_domain::pin::Pin;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::request::AnswerBody;
use cyberid_protocol::sealed::SealedProof;

use crate::{Holder, HolderError, ReviewedRequest, ReviewedVerification};

/// The life of a proof in seconds: it is sent at once, or handed over at a counter.
const LIFE: u64 = 120;

/// What a proof answers.
pub(crate) struct Question<'a> {
    pub(crate) rp: &'a ClientId,
    pub(crate) request: Option<&'a VerificationId>,
    pub(crate) purpose: &'a str,
    pub(crate) checks: &'a [Check],
    pub(crate) factors: &'a [Factor],
    pub(crate) nonce: &'a Nonce,
}

impl Holder {
    /// Agrees to a verification. The PIN leaves the device only where it is asked for, and only sealed.
    pub async fn answer_verification(
        &self,
        reviewed: &ReviewedVerification,
        pin: Option<&Pin>,
    ) -> Result<(), HolderError> {
        let request = reviewed.request();
        let question = Question {
            rp: &request.rp.client_id,
            request: Some(&request.id),
            purpose: &request.purpose,
            checks: &request.checks,
            factors: &request.factors,
            nonce: &request.nonce,
        };
        let body = AnswerBody {
            sealed: Some(self.seal_proof(&question, pin).await?),
            declined: None,
        };
        let path = format!("/v1/requests/{}/answer", request.id);
        Ok(self.client().post_no_content(&path, &body).await?)
    }

    /// Refuses a request.
    pub async fn decline(&self, reviewed: &ReviewedRequest) -> Result<(), HolderError> {
        let body = AnswerBody {
            sealed: None,
            declined: Some(true),
        };
        let path = format!("/v1/requests/{}/answer", reviewed.id());
        Ok(self.client().post_no_content(&path, &body).await?)
    }

    /// The sealed proof that answers a question.
    pub(crate) async fn seal_proof(
        &self,
        question: &Question<'_>,
        pin: Option<&Pin>,
    ) -> Result<String, HolderError> {
        let pin = match (question.factors.contains(&Factor::Pin), pin) {
            (true, None) => return Err(HolderError::PinNeeded),
            (true, Some(pin)) => Some(pin),
            (false, _) => None,
        };
        let platform = self.platform.sealing_key().await?;
        let proof = self.proof(question).sign(&*self.key)?;
        Ok(SealedProof::seal(&platform, &proof, pin)?)
    }

    fn proof(&self, question: &Question<'_>) -> Proof {
        let now = self.now();
        Proof {
            aud: self.platform.issuer().into(),
            rp: question.rp.clone(),
            request: question.request.cloned(),
            purpose: question.purpose.into(),
            checks: question.checks.to_vec(),
            factors: question.factors.to_vec(),
            nonce: question.nonce.clone(),
            iat: now,
            exp: now.plus(LIFE),
            jti: Nonce::random(&*self.rng),
        }
    }
}
