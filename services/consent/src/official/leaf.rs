//! The leaves of an official access: made in a chain, promised with what they record, and kept in their order.

use cyberid_domain::id::OfficialAccessId;
use cyberid_ledger::promises;
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage::official::{OfficialAccess, OfficialStep, Turn};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::release::Stepped;

use crate::leaf::{KeptLeaf, read};
use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// One step in the life of an official access, with its leaf, which is then in the log. The caller has the turn.
    pub(super) async fn advance_official(
        &self,
        access: &OfficialAccess,
        to: Turn<'_>,
        kind: LeafKind,
    ) -> Result<KeptLeaf, ConsentError> {
        let leaf = self.next_official_leaf(access, kind)?;
        let step = OfficialStep {
            id: &access.id,
            from: access.status,
            to,
            leaf: Some(&leaf),
            uses: None,
        };
        match self.parts.officials.official_step(&step).await? {
            Stepped::Now => self.keep_official_leaves(&access.id, kind).await,
            Stepped::Elsewhere | Stepped::Replayed => Err(Refusal::AlreadyRedeemed.into()),
        }
    }

    /// Puts every leaf of the access into the log, in the order of its life, and returns the last of this kind.
    pub(super) async fn keep_official_leaves(
        &self,
        id: &OfficialAccessId,
        kind: LeafKind,
    ) -> Result<KeptLeaf, ConsentError> {
        let access = self
            .parts
            .officials
            .official(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        let mut last = None;
        for stored in access.leaves {
            let leaf = read(&stored)?;
            let promised = PromisedLeaf {
                id: stored.id,
                body: stored.body,
            };
            let index = promises::keep_one(&self.parts.ledger, &*self.parts.promises, &promised).await?;
            if leaf.kind == kind {
                let body = promised.body;
                last = Some(KeptLeaf { index, body });
            }
        }
        last.ok_or(ConsentError::Corrupt("official access without its leaf"))
    }

    fn next_official_leaf(
        &self,
        access: &OfficialAccess,
        kind: LeafKind,
    ) -> Result<PromisedLeaf, ConsentError> {
        let last = access
            .leaves
            .last()
            .ok_or(ConsentError::Corrupt("official access without a leaf"))?;
        self.named(&read(last)?.followed_by(kind, self.parts.clock.now())?)
    }
}
