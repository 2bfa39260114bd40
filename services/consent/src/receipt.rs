//! Receipts: what a holder keeps of a consent, and can check without the platform; and what a relying party keeps.

use cyberid_crypto::{PublicKey, base64url};
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, ConsentId, ReleaseId};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::receipt::{ConsentRecord, Evidence, Receipt};
use cyberid_protocol::release::LeafProof;
use cyberid_storage::counter::Keyed;
use cyberid_storage::release::{Grant, Release};

use crate::leaf::KeptLeaf;
use crate::{Consent, ConsentError, Refusal, leaf, request_object};

impl Consent {
    /// The receipt of a consent for its leaf of this kind, for a device of the holder who gave it; to others it is not
    /// there, and neither is what has not happened.
    pub(crate) async fn receipt(
        &self,
        device_jkt: &str,
        id: &ConsentId,
        kind: LeafKind,
    ) -> Result<Receipt, ConsentError> {
        let caller = self.parts.subjects.by_key(device_jkt).await?;
        let caller = caller.and_then(Keyed::usable).ok_or(Refusal::NotFound)?;
        let release = self
            .parts
            .releases
            .by_consent(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        if grant(&release)?.subject != caller.subject {
            return Err(Refusal::NotFound.into());
        }
        let _turn = self.turns.of(&release.id).await;
        self.require_happened(&release.id, kind).await?;
        self.receipt_of(&release.id, kind).await
    }

    /// The leaf of this kind of a release that this relying party asked for, with its proof; to others it is not there.
    pub(crate) async fn release_proof(
        &self,
        client_id: &ClientId,
        id: &ReleaseId,
        kind: LeafKind,
    ) -> Result<LeafProof, ConsentError> {
        let release = self.own_release(client_id, id).await?;
        let _turn = self.turns.of(&release.id).await;
        self.require_happened(id, kind).await?;
        let KeptLeaf { index, body } = self.keep_leaves(id, kind).await?;
        Ok(LeafProof {
            leaf: body,
            proof: self.proof(index).await?,
        })
    }

    /// The receipt of a release for its leaf of this kind, once the leaf is in the log. The caller has the turn.
    pub(crate) async fn receipt_of(&self, id: &ReleaseId, kind: LeafKind) -> Result<Receipt, ConsentError> {
        let kept = self.keep_leaves(id, kind).await?;
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        Ok(Receipt {
            record: self.record(&release, kind).await?,
            leaf: kept.body,
            proof: self.proof(kept.index).await?,
            ledger: None,
        })
    }

    async fn require_happened(&self, id: &ReleaseId, kind: LeafKind) -> Result<(), ConsentError> {
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        let happened = life(&release)?.iter().any(|(happened, _)| *happened == kind);
        happened.then_some(()).ok_or(Refusal::NotFound.into())
    }

    /// The record of a release with the events up to this one.
    async fn record(&self, release: &Release, until: LeafKind) -> Result<ConsentRecord, ConsentError> {
        let grant = grant(release)?;
        let evidence = Evidence {
            statement: request_object::read_kept(&grant.request_object)?.statement.text,
            request: grant.request_object.clone(),
            consent: grant.consent.clone(),
            device_jwk: self.device(&grant.device_jkt).await?.to_jwk(),
            salt: base64url::encode(&grant.salt),
        };
        let life = life(release)?;
        let last = life.iter().rposition(|(kind, _)| *kind == until);
        let events = life.into_iter().take(last.map_or(0, |last| last + 1));
        ConsentRecord::of(evidence, events).map_err(|_| ConsentError::Corrupt("evidence of a consent"))
    }

    async fn device(&self, jkt: &str) -> Result<PublicKey, ConsentError> {
        let known = self.parts.devices.known_device(jkt).await?;
        let known = known.ok_or(ConsentError::Corrupt("device of a consent"))?;
        // One that was revoked long ago left its name alone.
        let key = known.key.ok_or(Refusal::NotFound)?;
        PublicKey::from_sec1(&key).map_err(|_| ConsentError::Corrupt("device key"))
    }
}

/// The grant of a release that was granted.
pub(crate) fn grant(release: &Release) -> Result<&Grant, ConsentError> {
    release
        .grant
        .as_ref()
        .ok_or(ConsentError::Corrupt("release without its grant"))
}

/// What happened to a release since it was granted, and when.
pub(crate) fn life(release: &Release) -> Result<Vec<(LeafKind, UnixTime)>, ConsentError> {
    let leaves = release.leaves.iter().map(leaf::read);
    leaves
        .map(|leaf| leaf.map(|leaf| (leaf.kind, leaf.time)))
        .collect()
}
