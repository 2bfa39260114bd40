//! The leaves of a release's life: made in a chain, promised with what they record, and kept in their order.

use cyberid_crypto::digest;
use cyberid_domain::id::{LeafId, ReleaseId};
use cyberid_ledger::promises;
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::leaf::{self, Leaf, LeafKind};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::release::{Release, ReleaseLeaf};

use crate::{Consent, ConsentError, Refusal};

/// A leaf of a release that has its place in the log.
pub(crate) struct KeptLeaf {
    /// Its place.
    pub(crate) index: u64,
    /// Its bytes.
    pub(crate) body: String,
}

impl Consent {
    /// The first leaf of a release: that its holder granted it.
    pub(crate) fn granted_leaf(
        &self,
        claims: &Claims,
        compact: &str,
        salt: &[u8; 32],
        device_jkt: &str,
    ) -> Result<PromisedLeaf, ConsentError> {
        let leaf = Leaf {
            request: Some(claims.request.clone()),
            rp: Some(claims.rp.clone()),
            subject_commitment: Some(leaf::subject_commitment(salt, device_jkt)),
            fields: Some(claims.fields.clone()),
            purpose: Some(claims.purpose.clone()),
            legal_basis: Some(claims.legal_basis.clone()),
            retention_days: Some(claims.retention_days),
            enc_jkt: Some(claims.enc_jkt.clone()),
            consent_sha256: Some(digest::sha256_base64url(compact.as_bytes())),
            ..Leaf::new(LeafKind::ConsentGranted, self.parts.clock.now())
        };
        self.named(&leaf)
    }

    /// The leaf of this kind that follows the last one of the release.
    pub(crate) fn next_leaf(&self, release: &Release, kind: LeafKind) -> Result<PromisedLeaf, ConsentError> {
        let last = release
            .leaves
            .last()
            .ok_or(ConsentError::Corrupt("release without a leaf"))?;
        self.named(&read(last)?.followed_by(kind, self.parts.clock.now())?)
    }

    /// Puts every leaf of the release into the log, in the order of its life, and returns the last of this kind.
    pub(crate) async fn keep_leaves(&self, id: &ReleaseId, kind: LeafKind) -> Result<KeptLeaf, ConsentError> {
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        let mut last = None;
        for stored in release.leaves {
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
        last.ok_or(ConsentError::Corrupt("release without its leaf"))
    }

    /// A leaf under a fresh name.
    pub(crate) fn named(&self, leaf: &Leaf) -> Result<PromisedLeaf, ConsentError> {
        Ok(PromisedLeaf {
            id: LeafId::new(self.parts.clock.now(), &*self.parts.rng),
            body: leaf.to_text()?,
        })
    }
}

/// Reads a leaf that this service wrote.
pub(crate) fn read(stored: &ReleaseLeaf) -> Result<Leaf, ConsentError> {
    Ok(Leaf::from_text(&stored.body)?)
}

/// The first leaf of a granted release: all others repeat what it says.
pub(crate) fn first(release: &Release) -> Result<Leaf, ConsentError> {
    read(
        release
            .leaves
            .first()
            .ok_or(ConsentError::Corrupt("release without a leaf"))?,
    )
}
