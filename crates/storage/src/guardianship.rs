//! Who is whose guardian: said by the guardian's own device when the ward was enrolled. No register confirms kinship.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::AgeFlags;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::single_use::SingleUse;

/// One person takes the place of another's guardian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardianship {
    /// The minor.
    pub ward: SubjectId,
    /// Who answers for them.
    pub guardian: SubjectId,
    /// When it began.
    pub since: UnixTime,
}

/// A ward as their guardian's calls need them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ward {
    /// The minor.
    pub ward: SubjectId,
    /// The ages reached.
    pub age_flags: AgeFlags,
    /// The thumbprints of the minor's devices, oldest first.
    pub devices: Vec<String>,
}

/// Guardianships.
#[async_trait]
pub trait Guardianships: Send + Sync {
    /// In one transaction: uses up the guardian's consent, and keeps the guardianship. `false`, and nothing written, if
    /// the consent was used for another, or this very guardianship was ended; again for the same is fine. The ward need not
    /// be committed yet.
    async fn establish(&self, guardianship: &Guardianship, consent: &SingleUse) -> Result<bool>;

    /// Ends the guardianships of a ward whose enrolment came to nothing. Again is fine.
    async fn dissolve(&self, ward: &SubjectId) -> Result<()>;

    /// Ends a guardianship; what was said under it before stays said. `false` if there is none that lasts. Nobody is that
    /// ward's guardian again by it.
    async fn end_guardianship(&self, ward: &SubjectId, guardian: &SubjectId, at: UnixTime) -> Result<bool>;

    /// Whether a ward has a guardian who can speak for them now: an active person of 18 or over, whose guardianship lasts.
    async fn has_guardian(&self, ward: &SubjectId) -> Result<bool>;

    /// The committed wards of a guardian who are not 18 yet, oldest guardianship first: it ends by itself at that age. Those
    /// whose guardianship was ended are not among them.
    async fn wards(&self, guardian: &SubjectId) -> Result<Vec<Ward>>;
}
