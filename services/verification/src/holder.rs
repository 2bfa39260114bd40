//! Who signed a proof, looked up so that nobody learns whether there is such a person (T16): where there is none, a
//! decoy goes through the same steps.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::age::AgeFlags;
use cyberid_domain::check::Factor;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::subject::SubjectStatus;
use cyberid_pin::lockout;
use cyberid_storage::subject::{PinFailures, Subject, SubjectDevice};

use crate::Verification;
use crate::attestation::single_use;
use crate::proof::FittingProof;
use crate::refusal::Refusal;

impl Verification {
    /// The subject whose device signed the proof; a decoy if the device is unknown or did not sign.
    pub(crate) async fn holder(&self, proof: &FittingProof) -> Result<Subject, Refusal> {
        let found = self.parts.subjects.by_device(&proof.kid).await?;
        let (known, decoy) = (found.is_some(), self.decoy());
        let candidate = found.unwrap_or_else(|| decoy.clone());
        let signed = PublicKey::from_sec1(&candidate.device.key).is_ok_and(|key| proof.is_signed_by(&key));
        Ok(if known & signed { candidate } else { decoy })
    }

    /// Whether the factors that were asked for are there. Only who signed with the device can try a PIN.
    pub(crate) async fn factors_hold(
        &self,
        asked: &[Factor],
        holder: &Subject,
        proof: &FittingProof,
    ) -> Result<bool, Refusal> {
        if !asked.contains(&Factor::Pin) {
            return Ok(true);
        }
        let Some(pin) = &proof.pin else {
            return Ok(false);
        };
        let subjects = &self.parts.subjects;
        let _gate = self.pin_gates.enter(&holder.subject).await;
        self.try_pin_once(proof).await?;
        let now = self.now();
        let counted = subjects.begin_pin_attempt(&holder.subject, now).await?;
        let matches = self.parts.pins.check(pin, &holder.pin).await;
        let attempts = subjects.by_device(&holder.device.jkt).await?;
        let failures = attempts.map_or(0, |subject| subject.pin_failures.count);
        if counted {
            let until = if matches { None } else { lockout(failures, now) };
            subjects.end_pin_attempt(&holder.subject, matches, until).await?;
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
    fn decoy(&self) -> Subject {
        let subject = SubjectId::random(&*self.parts.rng);
        Subject {
            subject,
            number: NetworkNumber::random(&*self.parts.rng),
            status: SubjectStatus::Cancelled,
            age_flags: AgeFlags::default(),
            document_expires_at: UnixTime(0),
            credential_expires_at: UnixTime(0),
            device: SubjectDevice {
                jkt: String::new(),
                key: *self.decoy_key.as_sec1(),
                bound_at: UnixTime(0),
            },
            pin: self.parts.pins.decoy(),
            pin_failures: PinFailures::default(),
        }
    }
}
