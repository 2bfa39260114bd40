//! Redeeming a release: the order of its steps is the mechanism. No ledger entry, no plaintext.

use cyberid_crypto::PublicKey;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::release::Redeemed;
use cyberid_protocol::warrant;
use cyberid_storage::release::{Grant, Release, Step, Stepped};
use zeroize::Zeroizing;

use crate::consent_check::InForce;
use crate::kept_answer::Repeatable;
use crate::leaf::KeptLeaf;
use crate::opening::{Case, Delivery};
use crate::party::Party;
use crate::receipt::grant;
use crate::{Consent, ConsentError, Refusal, leaf, request_object};

impl Consent {
    /// Redeems a release of this relying party: the bytes of a [`Redeemed`].
    ///
    /// What fails before the delivery leaves the release where asking again goes on from.
    pub(crate) async fn redeem(
        &self,
        client_id: &ClientId,
        id: &ReleaseId,
        request: Option<&Repeatable>,
    ) -> Result<Zeroizing<Vec<u8>>, ConsentError> {
        let _turn = self.turns.of(id).await;
        // 4.
        let release = self.own_release(client_id, id).await?;
        if let Some(request) = request
            && let Some(answer) = self.kept_answer(request).await?
        {
            return self.repeat(&release, answer).await;
        }
        let rp_key = self.redeemable(&release).await?;
        // 5.
        let intended = self.intend(&release).await?;
        // 6. 7.
        let grant = grant(&release)?;
        let case = Case {
            grant,
            rp_key,
            intended: &intended,
        };
        let delivery = self.open(&case).await?;
        let answer = answer(delivery, intended)?;
        if let Some(request) = request {
            self.keep_answer(request, &answer).await?;
        }
        // 8.
        self.deliver(id).await?;
        // 9.
        Ok(answer)
    }

    /// The release of this id, if this relying party asked for it.
    pub(crate) async fn own_release(
        &self,
        client_id: &ClientId,
        id: &ReleaseId,
    ) -> Result<Release, ConsentError> {
        let release = self.parts.releases.release(id).await?;
        let own = release.filter(|release| release.client_id == *client_id);
        Ok(own.ok_or(Refusal::NotFound)?)
    }

    /// Gives the answer again, if the release was delivered and stands as it did: a relying party that was suspended
    /// meanwhile receives nothing more.
    async fn repeat(
        &self,
        release: &Release,
        answer: Zeroizing<Vec<u8>>,
    ) -> Result<Zeroizing<Vec<u8>>, ConsentError> {
        self.active_party(&release.client_id).await?;
        let recorded = match release.status {
            // The answer was kept and its leaf was not: the leaf comes first.
            ReleaseStatus::Intended => return self.deliver(&release.id).await.map(|()| answer),
            ReleaseStatus::Delivered => LeafKind::ReleaseDelivered,
            ReleaseStatus::Presumed => LeafKind::ReleasePresumed,
            _ => return Err(Refusal::NotGranted.into()),
        };
        self.keep_leaves(&release.id, recorded).await?;
        Ok(answer)
    }

    /// Whether the release can be redeemed now, and to which key.
    async fn redeemable(&self, release: &Release) -> Result<PublicKey, ConsentError> {
        let now = self.parts.clock.now();
        match release.status {
            ReleaseStatus::Granted if grant(release)?.redeem_by > now => {}
            // An earlier call came as far as the intent and no further.
            ReleaseStatus::Intended if !self.is_stale(release)? => {}
            ReleaseStatus::Intended | ReleaseStatus::Delivered | ReleaseStatus::Presumed => {
                return Err(Refusal::AlreadyRedeemed.into());
            }
            _ => return Err(Refusal::NotGranted.into()),
        }
        self.require_active(grant(release)?).await?;
        let party = self.active_party(&release.client_id).await?;
        if Self::is_still_agreed(release, &party)? {
            party.encryption_key()
        } else {
            Err(Refusal::Void.into())
        }
    }

    /// Whether the registration says still what the holder agreed to: who, what for, on what terms, to which key.
    fn is_still_agreed(release: &Release, party: &Party) -> Result<bool, ConsentError> {
        let shown = request_object::read_kept(&grant(release)?.request_object)?;
        let now = InForce::of(party, &release.purpose)?;
        Ok(now.is_some_and(|now| now.differs_from(&shown).is_none()))
    }

    /// A holder who has halted their identifier since has halted this release with it.
    async fn require_active(&self, grant: &Grant) -> Result<(), ConsentError> {
        // A code that gave this consent was used up by it.
        let keyed = self.parts.subjects.by_key(&grant.device_jkt).await?;
        let active = keyed.is_some_and(|keyed| keyed.subject.status == SubjectStatus::Active);
        active.then_some(()).ok_or(Refusal::NotGranted.into())
    }

    /// Whether the intent is older than any warrant may be: nothing can be delivered on it any more.
    pub(crate) fn is_stale(&self, release: &Release) -> Result<bool, ConsentError> {
        let last = release
            .leaves
            .last()
            .ok_or(ConsentError::Corrupt("release without a leaf"))?;
        let deadline = leaf::read(last)?.time.plus(warrant::MAX_AGE);
        Ok(deadline < self.parts.clock.now())
    }

    /// Makes the intent durable, and under a checkpoint that outsiders have seen.
    async fn intend(&self, release: &Release) -> Result<KeptLeaf, ConsentError> {
        if release.status == ReleaseStatus::Granted {
            let kind = LeafKind::ReleaseIntended;
            self.advance(release, ReleaseStatus::Intended, kind).await?;
        }
        let intended = self.keep_leaves(&release.id, LeafKind::ReleaseIntended).await?;
        self.witnessed(intended.index.saturating_add(1)).await?;
        Ok(intended)
    }

    async fn deliver(&self, id: &ReleaseId) -> Result<(), ConsentError> {
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        let kind = LeafKind::ReleaseDelivered;
        self.advance(&release, ReleaseStatus::Delivered, kind).await?;
        self.keep_leaves(id, kind).await.map(|_| ())
    }

    /// One step in the life of a release, with its leaf. The caller has the turn.
    pub(crate) async fn advance(
        &self,
        release: &Release,
        to: ReleaseStatus,
        kind: LeafKind,
    ) -> Result<(), ConsentError> {
        let leaf = self.next_leaf(release, kind)?;
        let step = Step {
            id: &release.id,
            from: release.status,
            to,
            leaf: Some(&leaf),
            event: None,
            uses: None,
        };
        match self.parts.releases.step(&step).await? {
            Stepped::Now => Ok(()),
            Stepped::Elsewhere | Stepped::Replayed => Err(Refusal::AlreadyRedeemed.into()),
        }
    }
}

pub(crate) fn answer(delivery: Delivery, intended: KeptLeaf) -> Result<Zeroizing<Vec<u8>>, ConsentError> {
    let redeemed = Redeemed {
        identity: delivery.identity,
        leaf: intended.body,
        proof: delivery.proof,
    };
    let bytes = serde_json::to_vec(&redeemed).map_err(|_| ConsentError::Corrupt("answer"))?;
    Ok(Zeroizing::new(bytes))
}
