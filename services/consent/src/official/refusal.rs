//! Refusing an official access for good: a refusal is a leaf too.

use cyberid_domain::id::OfficialAccessId;
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage::official::{OfficialAccess, Turn};

use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Ends an access that nothing was intended of, with its leaf. The caller has the turn.
    pub(super) async fn refuse_official(
        &self,
        id: &OfficialAccessId,
        refusal: OfficialRefusal,
    ) -> Result<(), ConsentError> {
        let access = self
            .parts
            .officials
            .official(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        metrics::counter!("cyberid_official_refusals_total", "reason" => refusal.as_str()).increment(1);
        let (to, kind) = (Turn::Refused(refusal), LeafKind::OfficialRefused);
        self.advance_official(&access, to, kind).await.map(|_| ())
    }

    /// Ends an access whose first officer is none any more, and tells why.
    pub(super) async fn refuse_former(&self, id: &OfficialAccessId) -> ConsentError {
        let refusal = OfficialRefusal::FormerOfficer;
        match self.refuse_official(id, refusal).await {
            Ok(()) => Refusal::Official(refusal).into(),
            Err(error) => error,
        }
    }

    /// Whether an access can still be countersigned or carried out: what is refused stays refused, and what is over
    /// is refused now.
    pub(super) async fn require_open(&self, access: &OfficialAccess) -> Result<(), ConsentError> {
        match access.status {
            OfficialStatus::Requested | OfficialStatus::Countersigned => {}
            OfficialStatus::Refused => return Err(refused(access).into()),
            OfficialStatus::Intended | OfficialStatus::Delivered | OfficialStatus::Presumed => {
                return Err(Refusal::AlreadyRedeemed.into());
            }
        }
        if access.expires_at > self.parts.clock.now() {
            return Ok(());
        }
        self.refuse_official(&access.id, OfficialRefusal::Expired).await?;
        Err(Refusal::Official(OfficialRefusal::Expired).into())
    }
}

/// What an authority is told of an access that was refused.
pub(super) fn refused(access: &OfficialAccess) -> Refusal {
    Refusal::Official(access.refusal.unwrap_or(OfficialRefusal::Expired))
}
