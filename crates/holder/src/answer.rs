//! Answering a verification, or refusing any request: refusing is as easy as agreeing.

use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::passkey::challenge_of;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::request::AnswerBody;
use cyberid_protocol::sealed::{Evidence, SealedProof};

use crate::{Factors, Holder, HolderError, ReviewedRequest, ReviewedVerification};

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
    /// Agrees to a verification. PIN, face and passkey leave the device only where they are asked for, and only sealed.
    pub async fn answer_verification<'a>(
        &self,
        reviewed: &ReviewedVerification,
        factors: impl Into<Factors<'a>>,
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
            sealed: Some(self.seal_proof(&question, factors.into()).await?),
            declined: None,
        };
        let path = format!("/v1/requests/{}/answer", request.id);
        Ok(self.client().post_no_content(&path, &body).await?)
    }

    /// Refuses a request, as the device that opened it.
    pub async fn decline(&self, reviewed: &ReviewedRequest) -> Result<(), HolderError> {
        let body = AnswerBody {
            sealed: None,
            declined: Some(true),
        };
        let path = format!("/v1/requests/{}/answer", reviewed.id());
        Ok(self.session.post_no_content(&path, &body).await?)
    }

    /// The sealed proof that answers a question.
    pub(crate) async fn seal_proof(
        &self,
        question: &Question<'_>,
        factors: Factors<'_>,
    ) -> Result<String, HolderError> {
        factors.require(question.factors)?;
        let pin = factors.pin_for(question.factors)?;
        let platform = self.platform.sealing_key().await?;
        let proof = self.proof(question);
        let face = factors.face_for(&proof, self.key.kid()).await?;
        let proof = proof.sign(&*self.key)?;
        let passkey = factors.passkey_for(question.factors, &challenge_of(&proof))?;
        let evidence = Evidence { face, passkey };
        Ok(SealedProof::seal_with(&platform, &proof, pin, &evidence)?)
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

#[cfg(test)]
mod tests {
    use cyberid_domain::id::RequestId;
    use cyberid_domain::pin::Pin;
    use cyberid_protocol::message::open;
    use cyberid_protocol::request::{Answer, RequestObject};
    use cyberid_protocol::statement::Locale;

    use super::*;
    use crate::platform_double::PlatformDouble;
    use crate::testing::{certificate, met, opened, verification};

    const ANSWER: &str = "POST /v1/requests/ver_AAAAAAAAAAAAAAAAAAAAAA/answer";

    async fn reviewed(double: &PlatformDouble, holder: &Holder, factors: &[Factor]) -> ReviewedRequest {
        let mut request = verification(double, &certificate(double));
        request.factors = factors.to_vec();
        let id = RequestId::Verification(request.id.clone());
        let compact = double.sign("request", &RequestObject::Verification(request));
        double.script(ANSWER, 204, "");
        holder.review(&compact, &id, Locale::English).await.unwrap()
    }

    fn verification_of(reviewed: &ReviewedRequest) -> &ReviewedVerification {
        match reviewed {
            ReviewedRequest::Verification(reviewed) => reviewed,
            ReviewedRequest::Release(_) => panic!("a verification"),
        }
    }

    fn received(double: &PlatformDouble) -> Answer {
        let body: AnswerBody = serde_json::from_slice(&double.received(ANSWER)[0].body).unwrap();
        body.try_into().unwrap()
    }

    fn sealed(double: &PlatformDouble) -> SealedProof {
        let Answer::Sealed(sealed) = received(double) else {
            panic!("sealed")
        };
        SealedProof::read(&opened(double, &sealed)).unwrap()
    }

    fn pin() -> Pin {
        Pin::entered("52719406".into()).unwrap()
    }

    #[tokio::test]
    async fn a_proof_says_what_was_asked_and_is_signed_by_the_device() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder, &[Factor::Device, Factor::Pin]).await;
        holder
            .answer_verification(verification_of(&reviewed), Some(&pin()))
            .await
            .unwrap();
        let sealed = sealed(&double);
        let proof: Proof = open(&sealed.proof, &holder.public_key()).unwrap();
        let asked = verification_of(&reviewed).request();
        assert_eq!((&proof.aud, &proof.rp), (&double.issuer, &asked.rp.client_id));
        assert_eq!(
            (proof.request.as_ref(), &proof.nonce),
            (Some(&asked.id), &asked.nonce)
        );
        assert_eq!(
            (&proof.purpose, &proof.checks, &proof.factors),
            (&asked.purpose, &asked.checks, &asked.factors)
        );
        assert!(proof.exp.since(proof.iat) <= cyberid_protocol::proof::MAX_LIFE);
        assert_eq!(sealed.pin.unwrap().expose(), "52719406");
    }

    #[tokio::test]
    async fn a_pin_that_is_not_asked_for_stays_on_the_device() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder, &[Factor::Device]).await;
        holder
            .answer_verification(verification_of(&reviewed), Some(&pin()))
            .await
            .unwrap();
        assert!(sealed(&double).pin.is_none());
    }

    #[tokio::test]
    async fn a_pin_that_is_asked_for_has_to_be_there() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder, &[Factor::Device, Factor::Pin]).await;
        let answer = holder.answer_verification(verification_of(&reviewed), None).await;
        assert_eq!(answer, Err(HolderError::PinNeeded));
        assert!(double.received(ANSWER).is_empty());
    }

    #[tokio::test]
    async fn refusing_is_one_call() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder, &[]).await;
        holder.decline(&reviewed).await.unwrap();
        assert_eq!(received(&double), Answer::Declined);
        assert!(double.received(ANSWER)[0].headers.contains_key("authorization"));
    }
}
