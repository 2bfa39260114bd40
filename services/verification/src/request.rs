//! The holder's side of a request: fetching it, and answering it.

use cyberid_domain::id::VerificationId;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::{Answer, RequestObject, VerificationRequest};
use cyberid_storage::verification::{Answered, Verification as Row, VerificationState};

use crate::Verification;
use crate::asked::Asked;
use crate::proof::UncheckedProof;
use crate::refusal::Refusal;

impl Verification {
    /// The signed request object, for the holder's app.
    pub(crate) async fn request_object(&self, id: &VerificationId) -> Result<String, Refusal> {
        let row = self.open_request(id).await?;
        let party = self.active_party(&row.client_id).await?;
        let request = VerificationRequest {
            iss: self.parts.issuer.clone(),
            rp: party.shown(),
            registration_certificate: party.certificate(&row.purpose)?,
            id: row.id,
            purpose: row.purpose,
            checks: row.checks,
            factors: row.factors,
            nonce: row.nonce,
            iat: self.now(),
            exp: row.expires_at,
        };
        let key = self.parts.request.current();
        Ok(RequestObject::Verification(request).sign(&*key)?)
    }

    /// Takes the holder's answer: durable when this returns.
    pub(crate) async fn answer(&self, id: &VerificationId, answer: Answer) -> Result<(), Refusal> {
        let row = self.open_request(id).await?;
        self.active_party(&row.client_id).await?;
        let answered = match answer {
            Answer::Declined => self.decline(id).await?,
            Answer::Sealed(sealed) => self.conclude_request(row, &sealed).await?,
        };
        match answered {
            Answered::Now => {
                self.waiting.answered(id);
                Ok(())
            }
            Answered::Closed => Err(Refusal::Closed),
            Answered::Replayed => Err(Refusal::Replayed),
        }
    }

    async fn decline(&self, id: &VerificationId) -> Result<Answered, Refusal> {
        let declined = VerificationState::Declined;
        let store = &self.parts.verifications;
        Ok(store.conclude(id, &declined, None, None, self.now()).await?)
    }

    async fn conclude_request(&self, row: Row, sealed: &str) -> Result<Answered, Refusal> {
        let id = row.id.clone();
        let asked = Asked::from(row);
        // 3.
        let proof = UncheckedProof::open(&self.parts.message, sealed)?;
        let proof = proof.answering(&asked, &self.parts.issuer, self.now())?;
        // 4. to 8.
        let conclusion = self.conclude(&asked, proof).await?;
        // 9.
        let (proof, visit) = (Some(&conclusion.proof), Some(&conclusion.visit));
        let state = if conclusion.passed {
            VerificationState::Passed {
                attestation: conclusion.attestation,
            }
        } else {
            VerificationState::Failed {
                attestation: conclusion.attestation,
            }
        };
        let store = &self.parts.verifications;
        Ok(store.conclude(&id, &state, proof, visit, self.now()).await?)
    }

    /// The request of this id, if it can still be answered.
    async fn open_request(&self, id: &VerificationId) -> Result<Row, Refusal> {
        let row = self.parts.verifications.verification(id).await?;
        let row = row.ok_or(Refusal::NotFound)?;
        self.answers.spend(id.as_str(), self.now())?;
        let open = row.state == VerificationState::Pending && self.now() < row.expires_at;
        open.then_some(row).ok_or(Refusal::Closed)
    }
}
