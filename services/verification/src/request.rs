//! The holder's side of a request: fetching it, and answering it.

use cyberid_domain::id::VerificationId;
use cyberid_protocol::comparison;
use cyberid_protocol::event::Concluded;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::{Answer, RequestObject, VerificationRequest};
use cyberid_storage::verification::{Answered, Verification as Row, VerificationState};

use crate::Verification;
use crate::asked::Asked;
use crate::party::ActiveParty;
use crate::proof::UncheckedProof;
use crate::refusal::Refusal;

impl Verification {
    /// The signed request object, for the holder's app. For a `device` the request is opened: from then on it is that
    /// device's alone.
    pub(crate) async fn request_object(
        &self,
        id: &VerificationId,
        device: Option<&str>,
    ) -> Result<String, Refusal> {
        let row = self.open_request(id).await?;
        let party = self.active_party(&row.client_id).await?;
        self.open_for(&row, device).await?;
        self.signed_request(&party, row)
    }

    /// The request object of a row, as of now: a renewal may have taken the use since it was asked.
    pub(crate) fn signed_request(&self, party: &ActiveParty, row: Row) -> Result<String, Refusal> {
        if !party.may_ask(&row.purpose, &row.checks) {
            return Err(Refusal::UnregisteredUse);
        }
        let request = VerificationRequest {
            iss: self.parts.issuer.clone(),
            rp: party.shown(),
            registration_certificate: party.certificate(&row.purpose)?,
            comparison_code: comparison::code(&row.client_id, row.id.as_str(), &row.nonce),
            guardian_agreed: row.guardian_agreed,
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
    /// `device` is the one that calls, where it says so.
    pub(crate) async fn answer(
        &self,
        id: &VerificationId,
        device: Option<&str>,
        answer: Answer,
    ) -> Result<(), Refusal> {
        let row = self.open_request(id).await?;
        let party = self.active_party(&row.client_id).await?;
        if !party.may_ask(&row.purpose, &row.checks) {
            return Err(Refusal::Closed);
        }
        let client_id = row.client_id.clone();
        let (answered, how) = match answer {
            Answer::Declined => (self.decline(id, device).await?, Concluded::Declined),
            Answer::Sealed(sealed) => self.conclude_request(row, &sealed).await?,
        };
        match answered {
            Answered::Now => {
                self.count(&client_id, how);
                self.concluded(&client_id, id, how);
                Ok(())
            }
            Answered::Closed | Answered::Another => Err(Refusal::Closed),
            Answered::Replayed => Err(Refusal::Replayed),
        }
    }

    async fn decline(&self, id: &VerificationId, device: Option<&str>) -> Result<Answered, Refusal> {
        let declined = VerificationState::Declined;
        let opener = device.map(|device| self.opener(id, device));
        let (store, opener) = (&self.parts.verifications, opener.as_ref());
        Ok(store
            .conclude(id, &declined, opener, None, None, self.now())
            .await?)
    }

    async fn conclude_request(&self, row: Row, sealed: &str) -> Result<(Answered, Concluded), Refusal> {
        let id = row.id.clone();
        let asked = Asked::from(row);
        // 3.
        let proof = UncheckedProof::open(&self.parts.message, sealed)?;
        let proof = proof.answering(&asked, &self.parts.issuer, self.now())?;
        // 4. to 8.
        let conclusion = self.conclude(&asked, proof).await?;
        // 9. What nobody signed opens nothing that is somebody's.
        let opener = self.opener(&id, &conclusion.device);
        let (proof, visit) = (Some(&conclusion.proof), Some(&conclusion.visit));
        let attestation = conclusion.attestation;
        let how = conclusion.how;
        let state = if how == Concluded::Passed {
            VerificationState::Passed { attestation }
        } else {
            VerificationState::Failed { attestation }
        };
        let store = &self.parts.verifications;
        let answered = store.conclude(&id, &state, Some(&opener), proof, visit, self.now());
        Ok((answered.await?, how))
    }

    /// The request of this id, if it can still be answered.
    async fn open_request(&self, id: &VerificationId) -> Result<Row, Refusal> {
        let row = self.parts.verifications.verification(id).await?;
        let row = row.ok_or(Refusal::NotFound)?;
        self.answers.spend(id.as_str(), self.now())?;
        self.require_open(&row)?;
        Ok(row)
    }

    /// Refuses what was answered, or is over.
    pub(crate) fn require_open(&self, row: &Row) -> Result<(), Refusal> {
        let open = row.state == VerificationState::Pending && self.now() < row.expires_at;
        open.then_some(()).ok_or(Refusal::Closed)
    }
}
