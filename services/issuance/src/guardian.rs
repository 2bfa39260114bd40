//! The guardian of a minor who enrols: somebody of 18 or over, whose own device agreed to this very device key. That they
//! are kin is confirmed by no register.

use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::guardian_consent::{GuardianConsent, MAX_LIFE};
use cyberid_protocol::message::{check_life, unverified};
use cyberid_storage::guardianship::Guardianship;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::subject::Subject;

use crate::{EnrolmentError, Issuance, LifeError};

/// A guardian whose device agreed; their consent is not used up yet.
pub(crate) struct AgreedGuardian {
    guardian: SubjectId,
    consent: SingleUse,
}

impl Issuance {
    /// The guardian who agreed that the holder of `ward` enrols.
    pub(crate) async fn check_guardian(
        &self,
        compact: &str,
        ward: &PublicKey,
    ) -> Result<AgreedGuardian, EnrolmentError> {
        let message = unverified::<GuardianConsent>(compact).map_err(|_| EnrolmentError::Refused)?;
        let kid = message.kid().map_err(|_| EnrolmentError::Refused)?.to_owned();
        let guardian = self.parts.subjects.by_device(&kid).await?;
        // There is always a signature to check (T16).
        let key = guardian
            .as_ref()
            .and_then(|guardian| PublicKey::from_sec1(&guardian.device.key).ok());
        let claims: Result<GuardianConsent, _> = message.verify(&key.unwrap_or(*ward));
        let (Some(guardian), Ok(claims)) = (guardian, claims) else {
            return Err(EnrolmentError::Refused);
        };
        if !(may_be_guardian(&guardian) && self.is_for(&claims, ward)) {
            return Err(EnrolmentError::Refused);
        }
        Ok(AgreedGuardian {
            guardian: guardian.subject,
            consent: single_use(&kid, &claims),
        })
    }

    /// Keeps the guardianship and uses up the consent, before the ward is committed: no ward is without a guardian who
    /// agreed. What is left of an enrolment that fails afterwards is dissolved with it.
    pub(crate) async fn establish_guardianship(
        &self,
        ward: SubjectId,
        agreed: &AgreedGuardian,
    ) -> Result<(), EnrolmentError> {
        let guardianship = Guardianship {
            ward,
            guardian: agreed.guardian,
            since: self.now(),
        };
        let guardianships = &self.parts.guardianships;
        let first = guardianships.establish(&guardianship, &agreed.consent).await?;
        first.then_some(()).ok_or(EnrolmentError::Refused)
    }

    /// Whether a person born on this day does not enrol without a guardian (Measures on the national network identity
    /// authentication public service: under 14 a guardian applies, under 18 one takes care).
    pub(crate) fn needs_guardian(&self, birth_date: time::Date) -> bool {
        !AgeFlags::on(self.now().date(), birth_date).has(self.parts.guardian_until)
    }

    /// Gives a minor whose guardianships have ended another guardian, who agreed to this very device.
    pub(crate) async fn appoint_guardian(&self, jkt: &str, consent: &str) -> Result<(), LifeError> {
        let ward = self.parts.subjects.by_device(jkt).await?;
        let ward = ward.ok_or(LifeError::NotFound)?;
        if ward.status != SubjectStatus::Active {
            return Err(LifeError::State(ward.status));
        }
        let device = PublicKey::from_sec1(&ward.device.key).map_err(|_| LifeError::Corrupt("device key"))?;
        let agreed = self.check_guardian(consent, &device).await?;
        // Who has a guardian does not look for an easier one.
        let grown = ward.age_flags.has(Threshold::Eighteen);
        if grown || agreed.guardian == ward.subject || self.has_guardian(&ward.subject).await? {
            return Err(EnrolmentError::Refused.into());
        }
        Ok(self.establish_guardianship(ward.subject, &agreed).await?)
    }

    async fn has_guardian(&self, ward: &SubjectId) -> Result<bool, LifeError> {
        Ok(self.parts.guardianships.has_guardian(ward).await?)
    }

    fn is_for(&self, claims: &GuardianConsent, ward: &PublicKey) -> bool {
        let now = check_life(claims.iat, claims.exp, MAX_LIFE, self.now());
        claims.aud == self.parts.issuer && claims.ward_jkt == ward.thumbprint() && now.is_ok()
    }
}

/// Whoever is 18 has no guardian any more.
pub(crate) fn may_have_guardian(today: time::Date, birth_date: time::Date) -> bool {
    !AgeFlags::on(today, birth_date).has(Threshold::Eighteen)
}

fn may_be_guardian(person: &Subject) -> bool {
    person.status == SubjectStatus::Active && person.age_flags.has(Threshold::Eighteen)
}

fn single_use(kid: &str, claims: &GuardianConsent) -> SingleUse {
    let name = ["guardian-consent", kid, claims.jti.as_str()].join("\n");
    SingleUse {
        digest: digest::sha256(name.as_bytes()),
        forget_at: claims.exp.plus(SKEW + 1),
    }
}
