//! Erasure: what a relying party owes after a withdrawal, and confirms.

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_protocol::event::{ErasureOverdue, Event};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_storage::release::{OwedErasure, Release};

use crate::{Consent, ConsentError, Refusal, leaf};

impl Consent {
    /// Records that the relying party erased what it had received; again is fine.
    pub(crate) async fn confirm_erasure(
        &self,
        client_id: &ClientId,
        id: &ReleaseId,
        erased_at: UnixTime,
    ) -> Result<(), ConsentError> {
        let _turn = self.turns.of(id).await;
        // 4.
        let release = self.own_release(client_id, id).await?;
        let withdrawn = find(&release, LeafKind::ConsentWithdrawn)?.ok_or(Refusal::NotFound)?;
        if erased_at < withdrawn.time || erased_at > self.parts.clock.now().plus(SKEW) {
            return Err(Refusal::Malformed("erased_at").into());
        }
        // 5.
        if find(&release, LeafKind::ErasureConfirmed)?.is_none() {
            let leaf = self.next_leaf(&release, LeafKind::ErasureConfirmed)?;
            if !self.parts.releases.confirm_erasure(id, &leaf).await? {
                return Err(Refusal::NotFound.into());
            }
        }
        self.keep_leaves(id, LeafKind::ErasureConfirmed).await.map(|_| ())
    }

    /// Records that an erasure was not confirmed in time, and reminds the relying party.
    pub(crate) async fn record_overdue(&self, owed: &OwedErasure) -> Result<(), ConsentError> {
        let _turn = self.turns.of(&owed.release).await;
        let release = self.own_release(&owed.client_id, &owed.release).await?;
        let leaf = self.next_leaf(&release, LeafKind::ErasureOverdue)?;
        let overdue = ErasureOverdue {
            release: owed.release.clone(),
            erase_by: owed.erase_by,
        };
        let event = self.event(&owed.client_id, Event::ErasureOverdue(overdue))?;
        let recorded = self.parts.releases.record_overdue(&owed.release, &leaf, &event);
        if recorded.await? {
            self.keep_leaves(&owed.release, LeafKind::ErasureOverdue).await?;
        }
        Ok(())
    }
}

fn find(release: &Release, kind: LeafKind) -> Result<Option<Leaf>, ConsentError> {
    let leaves = release
        .leaves
        .iter()
        .map(leaf::read)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(leaves.into_iter().find(|leaf| leaf.kind == kind))
}
