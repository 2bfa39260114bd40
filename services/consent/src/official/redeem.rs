//! Carrying out an official access: the order of its steps is the mechanism, as for any release.

use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::official::{OneSubject, OrderRefused, check_second, open_order};
use cyberid_protocol::warrant;
use cyberid_storage::official::{OfficialAccess, Turn};
use zeroize::Zeroizing;

use super::finding::Found;
use super::refusal::refused;
use crate::kept_answer::Repeatable;
use crate::leaf::{KeptLeaf, read};
use crate::redeem::answer;
use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Carries out an access of this authority: the bytes of a `Redeemed`, sealed to the authority's key.
    pub(crate) async fn redeem_official(
        &self,
        client_id: &ClientId,
        id: &OfficialAccessId,
        request: Option<&Repeatable>,
    ) -> Result<Zeroizing<Vec<u8>>, ConsentError> {
        let _turn = self.official_turns.of(id).await;
        // 4.
        let access = self.own_official(client_id, id).await?;
        if let Some(request) = request
            && let Some(answer) = self.kept_answer(request).await?
        {
            return self.repeat_official(&access, answer).await;
        }
        let found = self.to_open(&access).await?;
        // 5.
        let intended = self.intend_official(&access, &found).await?;
        // 6. 7.
        let delivery = self.open_official(&access, &found, &intended).await?;
        let answer = answer(delivery, intended)?;
        if let Some(request) = request {
            self.keep_answer(request, &answer).await?;
        }
        // 8.
        self.deliver_official(id).await?;
        // 9.
        Ok(answer)
    }

    /// Gives the answer again. If it was kept and its leaf was not, the leaf comes first.
    async fn repeat_official(
        &self,
        access: &OfficialAccess,
        answer: Zeroizing<Vec<u8>>,
    ) -> Result<Zeroizing<Vec<u8>>, ConsentError> {
        let recorded = match access.status {
            OfficialStatus::Intended => return self.deliver_official(&access.id).await.map(|()| answer),
            OfficialStatus::Delivered => LeafKind::OfficialDelivered,
            OfficialStatus::Presumed => LeafKind::OfficialPresumed,
            _ => return Err(Refusal::NotFound.into()),
        };
        self.keep_official_leaves(&access.id, recorded).await?;
        Ok(answer)
    }

    /// The record to open now. An access that may not be carried out is refused for good, with its leaf.
    async fn to_open(&self, access: &OfficialAccess) -> Result<Found, ConsentError> {
        match access.status {
            // An earlier call came as far as the intent and no further.
            OfficialStatus::Intended if !self.is_stale_official(access)? => {
                // It is not refused any more: what is not carried out is presumed.
                self.second_stands(access)?;
                let subject = access.subject.ok_or(ConsentError::Corrupt("subject"))?;
                let found = self.found(subject).await?;
                return Ok(found.ok_or(Refusal::AlreadyRedeemed)?);
            }
            OfficialStatus::Refused => return Err(refused(access).into()),
            _ => self.require_open(access).await?,
        }
        if access.status == OfficialStatus::Requested {
            self.refuse_official(&access.id, OfficialRefusal::OneOfficer)
                .await?;
            return Err(Refusal::SecondOfficer.into());
        }
        self.require_second(access).await?;
        let found = self.find(&self.one_subject(access)?).await?;
        let Some(found) = found else {
            self.refuse_official(&access.id, OfficialRefusal::NoRecord)
                .await?;
            return Err(Refusal::Official(OfficialRefusal::NoRecord).into());
        };
        Ok(found)
    }

    /// Refuses an access for good whose signatures do not stand any more: key holders ask that too, and after the intent
    /// it would be too late.
    async fn require_second(&self, access: &OfficialAccess) -> Result<(), ConsentError> {
        let stands = self.second_stands(access);
        if let Err(ConsentError::Refused(Refusal::Official(refusal))) = stands {
            self.refuse_official(&access.id, refusal).await?;
        }
        stands
    }

    /// Whether both officers are pinned still, and the second signature is of this moment. It is shown later than now, so
    /// that no second is forgiven here.
    fn second_stands(&self, access: &OfficialAccess) -> Result<(), ConsentError> {
        let (authority, issuer) = (self.authority(&access.authority)?, &self.parts.issuer);
        let second = access.countersignature.as_deref();
        let second = second.ok_or(ConsentError::Corrupt("countersignature"))?;
        let former = Refusal::Official(OfficialRefusal::FormerOfficer);
        let ordered = open_order(&access.order, authority, issuer).map_err(|_| former)?;
        let by = self.parts.clock.now().plus(SKEW);
        let checked = check_second(second, &access.order, ordered.officer, authority, issuer, by);
        checked.map(drop).map_err(|refused| match refused {
            OrderRefused::NotNow => Refusal::Official(OfficialRefusal::Expired).into(),
            _ => former.into(),
        })
    }

    /// The one subject of an order that was checked when it came.
    pub(super) fn one_subject(&self, access: &OfficialAccess) -> Result<OneSubject, ConsentError> {
        let authority = self.authority(&access.authority)?;
        open_order(&access.order, authority, &self.parts.issuer)
            .map(|ordered| ordered.subject)
            .map_err(|_| Refusal::Official(OfficialRefusal::FormerOfficer).into())
    }

    /// Whether the intent is older than any warrant may be: nothing can be delivered on it any more.
    pub(super) fn is_stale_official(&self, access: &OfficialAccess) -> Result<bool, ConsentError> {
        let last = access.leaves.last();
        let last = last.ok_or(ConsentError::Corrupt("official access without a leaf"))?;
        Ok(read(last)?.time.plus(warrant::MAX_AGE) < self.parts.clock.now())
    }

    /// Makes the intent durable, and under a checkpoint that outsiders have seen.
    async fn intend_official(
        &self,
        access: &OfficialAccess,
        found: &Found,
    ) -> Result<KeptLeaf, ConsentError> {
        let kind = LeafKind::OfficialIntended;
        let intended = if access.status == OfficialStatus::Countersigned {
            self.advance_official(access, Turn::Intended(&found.subject), kind)
                .await?
        } else {
            self.keep_official_leaves(&access.id, kind).await?
        };
        self.witnessed(intended.index.saturating_add(1)).await?;
        Ok(intended)
    }

    async fn deliver_official(&self, id: &OfficialAccessId) -> Result<(), ConsentError> {
        let access = self
            .parts
            .officials
            .official(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        let kind = LeafKind::OfficialDelivered;
        self.advance_official(&access, Turn::Delivered, kind)
            .await
            .map(|_| ())
    }
}
