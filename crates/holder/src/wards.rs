//! The guardian's side: agreeing to a ward's enrolment, and to what the ward is asked.

use cyberid_client::KeyRole;
use cyberid_domain::check::Factor;
use cyberid_domain::id::{Nonce, WardId};
use cyberid_protocol::guardian_consent::{GuardianConsent, MAX_LIFE};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::RequestObject;
use cyberid_protocol::ward::{WardAnswerBody, Wards};

use crate::answer::Question;
use crate::{Holder, HolderError, RequestRefused, ReviewedVerification};

/// A ward, and what waits for this guardian's word; each request was checked as one's own is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedWard {
    /// What this guardian calls the ward by.
    pub id: WardId,
    /// The requests.
    pub requests: Vec<ReviewedVerification>,
}

impl Holder {
    /// This device's agreement that the holder of another device key is enrolled as this holder's ward: for ten minutes,
    /// and for one enrolment.
    pub fn guardian_consent(&self, ward_jkt: &str) -> Result<String, HolderError> {
        let now = self.now();
        let consent = GuardianConsent {
            aud: self.platform.issuer().into(),
            ward_jkt: ward_jkt.into(),
            iat: now,
            exp: now.plus(MAX_LIFE),
            jti: Nonce::random(&*self.rng),
        };
        Ok(consent.sign(&*self.key)?)
    }

    /// Ends this holder's guardianship of a ward, at once and for good.
    pub async fn end_guardianship(&self, ward: &WardId) -> Result<(), HolderError> {
        let path = format!("/v1/me/wards/{ward}/end");
        let nothing = serde_json::json!({});
        Ok(self.session.post_no_content(&path, &nothing).await?)
    }

    /// This holder's wards, and what waits for a word on them. A request that fails the review fails the call: the
    /// platform has no business handing it out.
    pub async fn wards(&self) -> Result<Vec<ReviewedWard>, HolderError> {
        let Wards { wards } = self.session.get("/v1/me/wards").await?;
        let mut reviewed = Vec::new();
        for ward in wards {
            let mut requests = Vec::new();
            for compact in &ward.requests {
                requests.push(self.review_for_ward(compact).await?);
            }
            reviewed.push(ReviewedWard {
                id: ward.id,
                requests,
            });
        }
        Ok(reviewed)
    }

    /// Agrees to a ward's request; the ward answers it afterwards.
    pub async fn agree_for_ward(
        &self,
        ward: &WardId,
        reviewed: &ReviewedVerification,
    ) -> Result<(), HolderError> {
        let request = reviewed.request();
        // The guardian's device is what agrees; the factors that are asked are the ward's.
        let question = Question {
            rp: &request.rp.client_id,
            request: Some(&request.id),
            purpose: &request.purpose,
            checks: &request.checks,
            factors: &[Factor::Device],
            nonce: &request.nonce,
        };
        let sealed = self.seal_proof(&question, crate::Factors::default()).await?;
        self.answer_for_ward(ward, reviewed, Some(sealed)).await
    }

    /// Refuses a ward's request, which ends it.
    pub async fn decline_for_ward(
        &self,
        ward: &WardId,
        reviewed: &ReviewedVerification,
    ) -> Result<(), HolderError> {
        self.answer_for_ward(ward, reviewed, None).await
    }

    async fn answer_for_ward(
        &self,
        ward: &WardId,
        reviewed: &ReviewedVerification,
        sealed: Option<String>,
    ) -> Result<(), HolderError> {
        let body = WardAnswerBody {
            request: reviewed.request().id.clone(),
            declined: sealed.is_none().then_some(true),
            sealed,
        };
        let path = format!("/v1/me/wards/{ward}/answers");
        Ok(self.session.post_no_content(&path, &body).await?)
    }

    async fn review_for_ward(&self, compact: &str) -> Result<ReviewedVerification, RequestRefused> {
        match self.platform.open(KeyRole::Request, compact).await? {
            RequestObject::Verification(request) => self.review_verification(request).await,
            RequestObject::Release(_) => Err(RequestRefused::AnotherRequest),
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_protocol::message::open;
    use cyberid_protocol::proof::Proof;
    use cyberid_protocol::sealed::SealedProof;
    use serde_json::json;

    use super::*;
    use crate::CertificateRefused;
    use crate::platform_double::PlatformDouble;
    use crate::testing::{certificate, met, opened, verification};

    const WARD: &str = "ward_AAAAAAAAAAAAAAAAAAAAAA";
    const ANSWER: &str = "POST /v1/me/wards/ward_AAAAAAAAAAAAAAAAAAAAAA/answers";

    fn waits(double: &PlatformDouble, alter: impl FnOnce(&mut RequestObject)) {
        let mut request = RequestObject::Verification(verification(double, &certificate(double)));
        alter(&mut request);
        let compact = double.sign("request", &request);
        let wards = json!({"wards": [{"id": WARD, "requests": [compact]}]});
        double.script_json("GET /v1/me/wards", &wards);
        double.script(ANSWER, 204, "");
    }

    fn sent(double: &PlatformDouble) -> WardAnswerBody {
        serde_json::from_slice(&double.received(ANSWER)[0].body).unwrap()
    }

    #[tokio::test]
    async fn a_guardian_agrees_with_their_device_to_the_very_request() {
        let (double, holder) = met().await;
        waits(&double, |_| {});
        let ward = holder.wards().await.unwrap().remove(0);
        assert_eq!(ward.id.as_str(), WARD);
        let asked = &ward.requests[0];
        holder.agree_for_ward(&ward.id, asked).await.unwrap();
        let body = sent(&double);
        assert_eq!((&body.request, body.declined), (&asked.request().id, None));
        let sealed = SealedProof::read(&opened(&double, &body.sealed.unwrap())).unwrap();
        let proof: Proof = open(&sealed.proof, &holder.public_key()).unwrap();
        let asked = asked.request();
        assert_eq!(
            (proof.request.as_ref(), &proof.nonce, &proof.checks),
            (Some(&asked.id), &asked.nonce, &asked.checks)
        );
        assert_eq!(proof.factors, [Factor::Device]);
        assert!(sealed.pin.is_none(), "the request asks for the ward's PIN");
    }

    #[tokio::test]
    async fn a_guardian_refuses_in_one_call() {
        let (double, holder) = met().await;
        waits(&double, |_| {});
        let ward = holder.wards().await.unwrap().remove(0);
        holder
            .decline_for_ward(&ward.id, &ward.requests[0])
            .await
            .unwrap();
        let body = sent(&double);
        assert_eq!((body.declined, body.sealed), (Some(true), None));
    }

    #[tokio::test]
    async fn a_guardian_is_shown_what_passes_the_review_and_nothing_else() {
        let (double, holder) = met().await;
        waits(&double, |request| {
            if let RequestObject::Verification(request) = request {
                request.rp.name = "Somebody else".into();
            }
        });
        let refused = RequestRefused::Certificate(CertificateRefused::Party);
        assert_eq!(holder.wards().await, Err(refused.into()));
    }

    #[tokio::test]
    async fn a_consent_to_an_enrolment_names_one_key() {
        let (double, holder) = met().await;
        let consent = holder.guardian_consent("a thumbprint").unwrap();
        let claims: GuardianConsent = open(&consent, &holder.public_key()).unwrap();
        assert_eq!(
            (claims.aud.as_str(), claims.ward_jkt.as_str()),
            (double.issuer.as_str(), "a thumbprint")
        );
        assert_eq!(claims.exp.since(claims.iat), MAX_LIFE);
    }
}
