//! The guardian of a child under 14, without whose word nothing of the child is released (Personal Information Protection
//! Law, article 31).

use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::age::Threshold;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::guardian_release::{GuardianRelease, MAX_LIFE};
use cyberid_protocol::message;
use cyberid_storage::release::Release;
use cyberid_storage::subject::Subject;

use crate::{Consent, ConsentError, Refusal};

/// What a child is told whose guardian did not agree to this.
const REFUSED: Refusal = Refusal::ConsentMismatch("guardian_consent");

impl Consent {
    /// Lets a consent through if its holder is 14, or a guardian of theirs agreed to these fields of this very release.
    pub(crate) async fn require_guardian(
        &self,
        release: &Release,
        claims: &Claims,
        holder: &Subject,
        word: Option<&str>,
    ) -> Result<(), ConsentError> {
        if holder.age_flags.has(Threshold::Fourteen) {
            return Ok(());
        }
        let (word, guardian) = self.guardians_word(word.ok_or(REFUSED)?).await?;
        let life = message::check_life(word.iat, word.exp, MAX_LIFE, self.parts.clock.now());
        let kept = self.parts.releases.request_objects(&release.id).await?;
        let shown = kept
            .iter()
            .any(|compact| digest::sha256_base64url(compact.as_bytes()) == word.request_sha256);
        let fits = word.aud == self.parts.issuer
            && word.ward_jkt == holder.device.jkt
            && word.request == release.id
            && life.is_ok()
            && shown
            && claims.fields.iter().all(|field| word.fields.contains(field));
        let fits = fits && self.is_guardian(&guardian, &holder.subject).await?;
        fits.then_some(()).ok_or_else(|| REFUSED.into())
    }

    /// What somebody's device signed, and whose it is: an active person of 18 or over, and no device that was added of late
    /// (a thief's is found before it speaks for a child).
    async fn guardians_word(&self, compact: &str) -> Result<(GuardianRelease, SubjectId), ConsentError> {
        let message = message::unverified::<GuardianRelease>(compact).map_err(|_| REFUSED)?;
        let kid = message.kid().map_err(|_| REFUSED)?.to_owned();
        let guardian = self.parts.subjects.by_device(&kid).await?.ok_or(REFUSED)?;
        let key =
            PublicKey::from_sec1(&guardian.device.key).map_err(|_| ConsentError::Corrupt("device key"))?;
        let word = message.verify(&key).map_err(|_| REFUSED)?;
        match self.require_cooled_off(&kid).await {
            Err(ConsentError::Refused(_)) => return Err(REFUSED.into()),
            cooled_off => cooled_off?,
        }
        let speaks = guardian.status == SubjectStatus::Active && guardian.age_flags.has(Threshold::Eighteen);
        speaks
            .then_some((word, guardian.subject))
            .ok_or_else(|| REFUSED.into())
    }

    async fn is_guardian(&self, guardian: &SubjectId, ward: &SubjectId) -> Result<bool, ConsentError> {
        let wards = self.parts.guardianships.wards(guardian).await?;
        Ok(wards.iter().any(|one| one.ward == *ward))
    }
}
