//! Guardians: what their wards under 14 are asked, and the guardian's word on it (Personal Information Protection Law,
//! article 31). Neither learns of the other here more than they said at the ward's enrolment.

use cyberid_crypto::{Mac as _, base64url};
use cyberid_domain::age::Threshold;
use cyberid_domain::check::Factor;
use cyberid_domain::id::{SubjectId, VerificationId, WardId};
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::event::Concluded;
use cyberid_protocol::request::Answer;
use cyberid_protocol::ward::{Ward as Shown, Wards};
use cyberid_storage::guardianship::Ward;
use cyberid_storage::verification::{Answered, Verification as Row, VerificationState};

use crate::Verification;
use crate::asked::Asked;
use crate::attestation::single_use;
use crate::proof::UncheckedProof;
use crate::refusal::Refusal;

const LABEL: &[u8] = b"cyberid/v1/ward";

/// How many requests of one ward a guardian is shown at once: each is signed for it.
const SHOWN: usize = 20;

impl Verification {
    /// The wards of the calling device's holder, each with the requests that wait for a guardian.
    pub(crate) async fn wards(&self, device: &str) -> Result<Wards, Refusal> {
        self.holders.spend(device, self.now())?;
        let Some(guardian) = self.guardian(device).await? else {
            return Ok(Wards { wards: Vec::new() });
        };
        let waiting = self.parts.verifications.awaiting_guardian(self.now()).await?;
        let mut shown = Vec::new();
        for ward in self.parts.guardianships.wards(&guardian).await? {
            shown.push(Shown {
                id: self.ward_id(&guardian, &ward.ward)?,
                requests: self.requests_of(&ward, &waiting).await?,
            });
        }
        Ok(Wards { wards: shown })
    }

    /// Takes the guardian's answer to a request of a ward: durable when this returns.
    pub(crate) async fn answer_for_ward(
        &self,
        device: &str,
        ward: &WardId,
        request: &VerificationId,
        answer: Answer,
    ) -> Result<(), Refusal> {
        self.holders.spend(device, self.now())?;
        let guardian = self.guardian(device).await?.ok_or(Refusal::NotFound)?;
        let ward = self.ward(&guardian, ward).await?.ok_or(Refusal::NotFound)?;
        let row = self.parts.verifications.verification(request).await?;
        let row = row
            .filter(|row| self.waits_for_guardian_of(&ward, row))
            .ok_or(Refusal::NotFound)?;
        self.require_open(&row)?;
        self.active_party(&row.client_id).await?;
        match answer {
            Answer::Sealed(sealed) => self.agree(device, &guardian, row, &sealed).await,
            Answer::Declined => self.refuse_for_ward(&row).await,
        }
    }

    /// Ends the calling holder's guardianship of a ward, at once.
    pub(crate) async fn end_guardianship(&self, device: &str, ward: &WardId) -> Result<(), Refusal> {
        self.holders.spend(device, self.now())?;
        let guardian = self.guardian(device).await?.ok_or(Refusal::NotFound)?;
        let ward = self.ward(&guardian, ward).await?.ok_or(Refusal::NotFound)?;
        let guardianships = &self.parts.guardianships;
        let ended = guardianships
            .end_guardianship(&ward.ward, &guardian, self.now())
            .await?;
        ended.then_some(()).ok_or(Refusal::NotFound)
    }

    async fn agree(&self, device: &str, guardian: &SubjectId, row: Row, sealed: &str) -> Result<(), Refusal> {
        let id = row.id.clone();
        // The guardian's device agrees to what is asked; the ward answers with the factors that are asked.
        let asked = Asked {
            factors: vec![Factor::Device],
            ..Asked::from(row)
        };
        let proof = UncheckedProof::open(&self.parts.message, sealed)?;
        let proof = proof.answering(&asked, &self.parts.issuer, self.now())?;
        let signer = self.answering(&proof).await?;
        if proof.kid != device || signer.holder.subject != *guardian {
            return Err(Refusal::Message("not signed by the calling device"));
        }
        let word = single_use("guardian", &proof.kid, &proof.claims);
        if !self.parts.single_uses.use_once(&word).await? {
            return Err(Refusal::Replayed);
        }
        let agreed = self.parts.verifications.agree(&id, self.now()).await?;
        agreed.then_some(()).ok_or(Refusal::Closed)
    }

    async fn refuse_for_ward(&self, row: &Row) -> Result<(), Refusal> {
        let (store, opener) = (&self.parts.verifications, row.opener.as_ref());
        let declined = VerificationState::Declined;
        match store
            .conclude(&row.id, &declined, opener, None, None, self.now())
            .await?
        {
            Answered::Now => {
                self.concluded(&row.client_id, &row.id, Concluded::Declined);
                Ok(())
            }
            Answered::Closed | Answered::Another | Answered::Replayed => Err(Refusal::Closed),
        }
    }

    /// Who may speak for wards: an active person of 18 or over, from a device that lasts.
    async fn guardian(&self, device: &str) -> Result<Option<SubjectId>, Refusal> {
        let holder = self.parts.subjects.holder(device).await?;
        let speaks = holder.filter(|holder| {
            !holder.single_use
                && holder.status == SubjectStatus::Active
                && holder.age_flags.has(Threshold::Eighteen)
        });
        Ok(speaks.map(|holder| holder.subject))
    }

    async fn ward(&self, guardian: &SubjectId, id: &WardId) -> Result<Option<Ward>, Refusal> {
        for ward in self.parts.guardianships.wards(guardian).await? {
            if self.ward_id(guardian, &ward.ward)? == *id {
                return Ok(Some(ward));
            }
        }
        Ok(None)
    }

    /// The signed request objects that wait for a guardian of this ward. What may not be asked any more is not shown: the
    /// relying party was halted, or a renewal took the use from it.
    async fn requests_of(&self, ward: &Ward, waiting: &[Row]) -> Result<Vec<String>, Refusal> {
        let of_ward = waiting.iter().filter(|row| self.waits_for_guardian_of(ward, row));
        let mut requests = Vec::new();
        for row in of_ward.take(SHOWN) {
            let party = self.active_party(&row.client_id).await;
            match party.and_then(|party| self.signed_request(&party, row.clone())) {
                Ok(request) => requests.push(request),
                Err(Refusal::Inactive | Refusal::UnregisteredUse) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(requests)
    }

    /// From 14 on the ward's own word is enough, and what they are asked is not shown.
    fn waits_for_guardian_of(&self, ward: &Ward, row: &Row) -> bool {
        let needed = !ward.age_flags.has(Threshold::Fourteen);
        needed
            && row.opener.is_some_and(|opener| {
                let mut devices = ward.devices.iter();
                devices.any(|device| self.opener(&row.id, device) == opener)
            })
    }

    fn ward_id(&self, guardian: &SubjectId, ward: &SubjectId) -> Result<WardId, Refusal> {
        let tag = self
            .parts
            .journal_key
            .mac(&[LABEL, guardian.as_bytes(), ward.as_bytes()]);
        let id = format!("{}{}", WardId::PREFIX, base64url::encode(&tag));
        id.parse().map_err(|_| Refusal::Text)
    }
}
