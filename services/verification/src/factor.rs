//! The factors beside the device key: PIN, face, passkey. Every factor that was asked for is tried, whatever became of
//! the others and whoever answers: a decoy costs the same work (T16), and what is missing or wrong fails every check.

use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::check::Factor;
use cyberid_domain::id::SubjectId;
use cyberid_pin::Candidate;
use cyberid_protocol::face::{FaceEvidence, MAX_LIFE, evidence_nonce, person_tag};
use cyberid_protocol::message::{check_life, open};
use cyberid_protocol::passkey::PasskeyAssertion;
use cyberid_storage::passkey::{Passkey, Used};

use crate::Verification;
use crate::attestation::single_use;
use crate::holder::Answering;
use crate::proof::FittingProof;
use crate::refusal::Refusal;

impl Verification {
    /// Whether the factors that were asked for are there.
    pub(crate) async fn factors_hold(
        &self,
        asked: &[Factor],
        answering: &Answering,
        proof: &FittingProof,
    ) -> Result<bool, Refusal> {
        let mut hold = true;
        for factor in asked {
            hold &= match factor {
                // Who did not sign is a decoy, which is not active.
                Factor::Device => true,
                Factor::Pin => self.pin_holds(answering, proof).await?,
                Factor::Face => self.face_holds(answering, proof).await?,
                Factor::Passkey => self.passkey_holds(answering, proof).await?,
            };
        }
        Ok(hold)
    }

    /// Only who signed with the device can try a PIN.
    async fn pin_holds(&self, answering: &Answering, proof: &FittingProof) -> Result<bool, Refusal> {
        let Some(pin) = &proof.pin else {
            return Ok(false);
        };
        self.try_pin_once(proof).await?;
        let candidate = Candidate {
            subject: &answering.holder.subject,
            jkt: &proof.kid,
            known: answering.signed,
        };
        Ok(self.pin_attempts.try_pin(candidate, pin, self.now()).await?)
    }

    /// A proof tries one PIN, once: whoever holds it sealed could otherwise send it again until the holder is locked
    /// out, before it is consumed with its answer.
    async fn try_pin_once(&self, proof: &FittingProof) -> Result<(), Refusal> {
        let attempt = single_use("pin-attempt", &proof.kid, &proof.claims);
        let first = self.parts.single_uses.use_once(&attempt).await?;
        first.then_some(()).ok_or(Refusal::Replayed)
    }

    /// The identity source saw, before this device and for this proof, the face of the person who enrolled.
    async fn face_holds(&self, answering: &Answering, proof: &FittingProof) -> Result<bool, Refusal> {
        let Some(compact) = &proof.evidence.face else {
            return Ok(false);
        };
        let shown = self.shown_person(compact, proof);
        let kept = self.parts.subjects.person_tag(&answering.holder.subject).await?;
        let both = shown.is_some() & kept.is_some();
        Ok(both & digest::equal(&shown.unwrap_or_default(), &kept.unwrap_or_default()))
    }

    /// The tag of the person whom good evidence for this proof names.
    fn shown_person(&self, compact: &str, proof: &FittingProof) -> Option<[u8; 32]> {
        let evidence: FaceEvidence = open(compact, &self.parts.source_key).ok()?;
        let claims = &proof.claims;
        let fits = evidence.aud == self.parts.issuer
            && evidence.jkt == proof.kid
            && evidence.nonce == evidence_nonce(&claims.nonce, &claims.jti);
        let fresh = check_life(evidence.iat, evidence.exp, MAX_LIFE, self.now()).is_ok();
        let good = fits && fresh;
        good.then(|| person_tag(&self.parts.evidence_key, &evidence.person))
            .flatten()
    }

    /// A passkey of the holder's signed this proof, and its counter went forward.
    async fn passkey_holds(&self, answering: &Answering, proof: &FittingProof) -> Result<bool, Refusal> {
        let Some(assertion) = &proof.evidence.passkey else {
            return Ok(false);
        };
        let id = assertion.credential_id().unwrap_or_default();
        let subject = &answering.holder.subject;
        let kept = self.parts.passkeys.passkey(subject, &id).await?;
        let sign_count = self.checked_count(kept.as_ref(), assertion, proof);
        // What does not hold takes the same steps for nobody, so that it moves no counter.
        let nobody = SubjectId::random(&*self.parts.rng);
        let who = if sign_count.is_some() { subject } else { &nobody };
        let attempt = single_use("passkey-attempt", &proof.kid, &proof.claims);
        let passkeys = &self.parts.passkeys;
        let count = sign_count.unwrap_or_default();
        match passkeys.use_passkey(who, &id, count, &attempt).await? {
            Used::Now => Ok(true),
            Used::Behind => Ok(false),
            Used::Replayed => Err(Refusal::Replayed),
        }
    }

    /// The counter of a good assertion over this proof by this passkey; a decoy's key is tried where there is none.
    fn checked_count(
        &self,
        kept: Option<&Passkey>,
        assertion: &PasskeyAssertion,
        proof: &FittingProof,
    ) -> Option<u32> {
        let key = kept.and_then(|kept| PublicKey::from_sec1(&kept.key).ok());
        let asserted = assertion.check(&self.site, &proof.challenge(), &key.unwrap_or(self.decoy_key));
        let same = |eligible: bool| kept.is_some_and(|kept| kept.backup_eligible == eligible);
        let good = asserted
            .ok()
            .filter(|asserted| key.is_some() & same(asserted.backup_eligible));
        good.map(|asserted| asserted.sign_count)
    }
}
