//! The holder's answer to a request for a release: a consent, or a refusal.

use cyberid_crypto::{digest, jwe};
use cyberid_domain::id::ReleaseId;
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::rng::random;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::consent::{self, Consent as Claims};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::pseudonym;
use cyberid_protocol::receipt::consent_id;
use cyberid_protocol::request::Consented;
use cyberid_protocol::sealed::SealedConsent;
use cyberid_storage::release::{Grant, Release, Step, Stepped};
use cyberid_storage::subject::Subject;

use crate::consent_check::{self, InForce, Shown};
use crate::message::{Signed, use_of};
use crate::{Consent, ConsentError, Refusal, request_object};

impl Consent {
    /// Takes the holder's consent, and answers when its leaf is in the log (steps 2 and 3 of the release cycle).
    pub(crate) async fn consent(&self, id: &ReleaseId, sealed: &str) -> Result<Consented, ConsentError> {
        let _turn = self.turns.of(id).await;
        let release = self.open_request(id).await?;
        // 2.
        let SealedConsent {
            consent: compact,
            guardian_consent,
        } = self.unseal(sealed)?;
        let signed = self.signed::<Claims>(&compact).await?;
        let Signed { claims, subject, .. } = &signed;
        self.require_asked(&release, subject)?;
        self.require_guardian(&release, claims, subject, guardian_consent.as_deref())
            .await?;
        self.require_cooled_off(&subject.device.jkt).await?;
        let shown = self.shown(&release, claims).await?;
        self.use_up(&signed).await?;
        // 3.
        let grant = self.granted(compact, claims, subject, shown);
        let consent_id = grant.consent_id.clone();
        let leaf = self.granted_leaf(claims, &grant.consent, &grant.salt, &grant.device_jkt)?;
        let uses = use_of::<Claims>(&grant.device_jkt, &claims.jti, claims.exp);
        match self.parts.releases.grant(id, &grant, &leaf, &uses).await? {
            Stepped::Now => {}
            Stepped::Elsewhere => return Err(Refusal::RequestClosed.into()),
            Stepped::Replayed => return Err(Refusal::ReplayedMessage.into()),
        }
        let receipt = self.receipt_of(id, LeafKind::ConsentGranted).await?;
        Ok(Consented { consent_id, receipt })
    }

    /// Takes the holder's refusal. Refusing is as easy as agreeing: whoever has the request's id can do it.
    pub(crate) async fn decline(&self, id: &ReleaseId) -> Result<(), ConsentError> {
        self.open_request(id).await?;
        let step = Step {
            id,
            from: ReleaseStatus::Requested,
            to: ReleaseStatus::Declined,
            leaf: None,
            event: None,
            uses: None,
        };
        match self.parts.releases.step(&step).await? {
            Stepped::Now => Ok(()),
            Stepped::Elsewhere | Stepped::Replayed => Err(Refusal::RequestClosed.into()),
        }
    }

    fn unseal(&self, sealed: &str) -> Result<SealedConsent, Refusal> {
        let sealed = jwe::Sealed::parse(sealed).map_err(|_| Refusal::InvalidMessage)?;
        let key = match sealed.kid() {
            Some(kid) => self.parts.message_key.find(kid).ok_or(Refusal::InvalidMessage)?,
            None => self.parts.message_key.current(),
        };
        let opened = sealed.open(&*key).map_err(|_| Refusal::InvalidMessage)?;
        SealedConsent::read(&opened).map_err(|_| Refusal::InvalidMessage)
    }

    /// Only the holder who was asked may answer; to another one the request is not there.
    fn require_asked(&self, release: &Release, subject: &Subject) -> Result<(), Refusal> {
        let key = &self.parts.pairwise_key;
        let sub = pseudonym::derive(key, &release.client_id, &subject.subject, 0);
        let asked = digest::equal(sub.as_bytes(), release.sub.as_bytes());
        let active = subject.status == SubjectStatus::Active;
        (asked && active).then_some(()).ok_or(Refusal::NotFound)
    }

    /// A device that was added of late releases nothing and ends nothing yet: a thief's is found before it does (T7).
    pub(crate) async fn require_cooled_off(&self, jkt: &str) -> Result<(), ConsentError> {
        let known = self.parts.devices.known_device(jkt).await?;
        let known = known.filter(|known| known.revoked_at.is_none());
        let release_from = known.ok_or(Refusal::InvalidMessage)?.release_from;
        if release_from > self.parts.clock.now() {
            return Err(Refusal::CoolingOff(release_from).into());
        }
        Ok(())
    }

    /// The request object that the consent answers, if the consent says what it says.
    async fn shown(&self, release: &Release, claims: &Claims) -> Result<Shown, ConsentError> {
        self.now_within(claims.iat, claims.exp, consent::MAX_LIFE)?;
        let kept = self.parts.releases.request_objects(&release.id).await?;
        let named = |compact: &String| digest::sha256_base64url(compact.as_bytes()) == claims.request_sha256;
        let compact = kept.into_iter().find(named);
        let compact = compact.ok_or(Refusal::ConsentMismatch("request_sha256"))?;
        let request = request_object::read_kept(&compact)?;
        let shown = Shown { compact, request };
        let party = self.active_party(&release.client_id).await.map_err(closed)?;
        let now = InForce::of(&party, &release.purpose)?.ok_or(Refusal::RequestClosed)?;
        consent_check::check(claims, &shown, &now)?;
        Ok(shown)
    }

    fn granted(&self, consent: String, claims: &Claims, subject: &Subject, shown: Shown) -> Grant {
        let salt = random(&*self.parts.rng);
        Grant {
            consent_id: consent_id(&salt, &consent),
            consent,
            request_object: shown.compact,
            subject: subject.subject,
            device_jkt: subject.device.jkt.clone(),
            salt,
            redeem_by: claims.exp,
        }
    }
}

/// To the holder a relying party that may not ask is a request that is over.
pub(crate) fn closed(error: ConsentError) -> ConsentError {
    match error {
        ConsentError::Refused(_) => Refusal::RequestClosed.into(),
        error => error,
    }
}
