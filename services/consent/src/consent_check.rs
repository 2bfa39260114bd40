//! Whether a consent says exactly what the holder was shown, and what is registered still (T12): every member is
//! compared, with the object that the platform signed and with the registration in force.

use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::request::{ReleaseRequest, RequestingParty};

use crate::party::Party;
use crate::{ConsentError, Refusal};

/// The request object that a consent answers.
pub(crate) struct Shown {
    /// The object as it was signed and served.
    pub(crate) compact: String,
    /// What it says.
    pub(crate) request: ReleaseRequest,
}

/// What the registration says now of what a request shows.
pub(crate) struct InForce {
    rp: RequestingParty,
    notice_sha256: String,
    enc_jkt: String,
}

impl InForce {
    /// What is in force for this purpose; nothing if it is not registered any more.
    pub(crate) fn of(party: &Party, purpose: &str) -> Result<Option<Self>, ConsentError> {
        let Some(registered) = party.registered_use(purpose) else {
            return Ok(None);
        };
        Ok(Some(Self {
            rp: party.shown(),
            notice_sha256: registered.notice_sha256()?,
            enc_jkt: party.encryption_key()?.thumbprint(),
        }))
    }

    /// The first member in which a request that was shown differs from what is in force now.
    pub(crate) fn differs_from(&self, shown: &ReleaseRequest) -> Option<&'static str> {
        let same = [
            ("rp", shown.rp == self.rp),
            ("notice_sha256", shown.notice_sha256 == self.notice_sha256),
            ("enc_jkt", shown.enc_jkt == self.enc_jkt),
        ];
        same.iter().find(|(_, same)| !same).map(|(member, _)| *member)
    }
}

/// The first member in which the consent differs from what was shown, or what was shown from what is in force now.
pub(crate) fn check(consent: &Claims, shown: &Shown, now: &InForce) -> Result<(), Refusal> {
    let differing = consent.differs_from(&shown.request, &shown.compact);
    let differing = differing.or_else(|| now.differs_from(&shown.request));
    differing.map_or(Ok(()), |member| Err(Refusal::ConsentMismatch(member)))
}
