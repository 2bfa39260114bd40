//! Who signed a proof, looked up so that nobody learns whether there is such a person (T16): where there is none, a
//! decoy goes through the same steps.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::age::AgeFlags;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::subject::Holder;

use crate::Verification;
use crate::proof::FittingProof;
use crate::refusal::Refusal;

/// Who answers: the holder whose device signed the proof, or a decoy.
pub(crate) struct Answering {
    /// The holder, or nobody.
    pub(crate) holder: Holder,
    /// Whether the device is known and signed.
    pub(crate) signed: bool,
}

impl Verification {
    /// The holder whose device signed the proof, and whose code is used up by it; a decoy if the device is unknown or did not sign.
    pub(crate) async fn answering(&self, proof: &FittingProof) -> Result<Answering, Refusal> {
        let found = self.parts.subjects.holder(&proof.kid).await?;
        let (known, decoy) = (found.is_some(), self.decoy());
        let candidate = found.unwrap_or_else(|| decoy.clone());
        let mut signed =
            known & PublicKey::from_sec1(&candidate.key).is_ok_and(|key| proof.is_signed_by(&key));
        if signed && candidate.single_use {
            // 7. of the cycle of a counter: durable before anything is answered; of many at once, one gets it.
            signed = self.parts.subjects.use_code(&proof.kid, self.now()).await?;
        }
        Ok(Answering {
            holder: if signed { candidate } else { decoy },
            signed,
        })
    }

    /// Nobody: a subject that holds no check, whose key signed nothing, who has no PIN, no face and no passkey.
    fn decoy(&self) -> Holder {
        Holder {
            subject: SubjectId::random(&*self.parts.rng),
            status: SubjectStatus::Cancelled,
            age_flags: AgeFlags::default(),
            document_expires_at: UnixTime(0),
            key: *self.decoy_key.as_sec1(),
            single_use: false,
        }
    }
}
