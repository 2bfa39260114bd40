//! Who signed a proof, looked up so that nobody learns whether there is such a person (T16): where there is none, a
//! decoy goes through the same steps.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::age::AgeFlags;
use cyberid_domain::check::Factor;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_pin::lockout;
use cyberid_storage::subject::Holder;

use crate::Verification;
use crate::attestation::single_use;
use crate::proof::FittingProof;
use crate::refusal::Refusal;

/// Who answers: the holder whose device signed the proof, or a decoy.
pub(crate) struct Answering {
    /// The holder, or nobody.
    pub(crate) holder: Holder,
    /// Whether the device is known and signed.
    signed: bool,
}

impl Verification {
    /// The holder whose device signed the proof; a decoy if the device is unknown or did not sign.
    pub(crate) async fn answering(&self, proof: &FittingProof) -> Result<Answering, Refusal> {
        let found = self.parts.subjects.holder(&proof.kid).await?;
        let (known, decoy) = (found.is_some(), self.decoy());
        let candidate = found.unwrap_or_else(|| decoy.clone());
        let signed = known & PublicKey::from_sec1(&candidate.key).is_ok_and(|key| proof.is_signed_by(&key));
        Ok(Answering {
            holder: if signed { candidate } else { decoy },
            signed,
        })
    }

    /// Whether the factors that were asked for are there. Only who signed with the device can try a PIN.
    pub(crate) async fn factors_hold(
        &self,
        asked: &[Factor],
        answering: &Answering,
        proof: &FittingProof,
    ) -> Result<bool, Refusal> {
        if !asked.contains(&Factor::Pin) {
            return Ok(true);
        }
        let Some(pin) = &proof.pin else {
            return Ok(false);
        };
        let (subjects, subject) = (&self.parts.subjects, &answering.holder.subject);
        let _gate = self.pin_gates.enter(subject).await;
        self.try_pin_once(proof).await?;
        let now = self.now();
        let counted = subjects.begin_pin_attempt(subject, now).await?;
        // Read after the attempt was counted, so that the count is this one's.
        let (found, decoy) = (subjects.by_device(&proof.kid).await?, self.parts.pins.decoy());
        let known = found.filter(|_| answering.signed);
        let (hashed, failures) =
            known.map_or((decoy, 0), |subject| (subject.pin, subject.pin_failures.count));
        let matches = self.parts.pins.check(pin, &hashed).await;
        if counted {
            let until = if matches { None } else { lockout(failures, now) };
            subjects.end_pin_attempt(subject, matches, until).await?;
        }
        Ok(counted & matches)
    }

    /// A proof tries one PIN, once: whoever holds it sealed could otherwise send it again until the holder is locked
    /// out, before it is consumed with its answer.
    async fn try_pin_once(&self, proof: &FittingProof) -> Result<(), Refusal> {
        let attempt = single_use("pin-attempt", &proof.kid, &proof.claims);
        let first = self.parts.single_uses.use_once(&attempt).await?;
        first.then_some(()).ok_or(Refusal::Replayed)
    }

    /// Nobody: a subject that holds no check, whose key signed nothing and whose PIN nobody has.
    fn decoy(&self) -> Holder {
        Holder {
            subject: SubjectId::random(&*self.parts.rng),
            status: SubjectStatus::Cancelled,
            age_flags: AgeFlags::default(),
            document_expires_at: UnixTime(0),
            key: *self.decoy_key.as_sec1(),
        }
    }
}
