//! Receipts: what a holder keeps of a consent, and can check without the platform.

use cyberid_crypto::base64url;
use cyberid_domain::id::{ConsentId, ReleaseId};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::receipt::{ConsentRecord, Receipt, RecordEvent, SCHEMA};
use cyberid_storage::release::{Grant, Release};

use crate::{Consent, ConsentError, Refusal, leaf, request_object};

impl Consent {
    /// The receipt of a consent, for a device of the holder who gave it; to others it is not there.
    pub(crate) async fn receipt(&self, device_jkt: &str, id: &ConsentId) -> Result<Receipt, ConsentError> {
        let caller = self.parts.subjects.by_device(device_jkt).await?;
        let caller = caller.ok_or(Refusal::NotFound)?;
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
        self.receipt_of(&release.id, LeafKind::ConsentGranted).await
    }

    /// The receipt of a release for its leaf of this kind, once the leaf is in the log. The caller has the turn.
    pub(crate) async fn receipt_of(&self, id: &ReleaseId, kind: LeafKind) -> Result<Receipt, ConsentError> {
        let kept = self.keep_leaves(id, kind).await?;
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        Ok(Receipt {
            record: record(&release)?,
            leaf: kept.body,
            proof: self.proof(kept.index).await?,
        })
    }
}

/// The grant of a release that was granted.
pub(crate) fn grant(release: &Release) -> Result<&Grant, ConsentError> {
    release
        .grant
        .as_ref()
        .ok_or(ConsentError::Corrupt("release without its grant"))
}

fn record(release: &Release) -> Result<ConsentRecord, ConsentError> {
    let grant = grant(release)?;
    let shown = request_object::read_kept(&grant.request_object)?;
    let granted = leaf::first(release)?;
    let events = release.leaves.iter().map(event).collect::<Result<_, _>>()?;
    Ok(ConsentRecord {
        schema_version: SCHEMA.into(),
        record_id: grant.consent_id.clone(),
        release_id: release.id.clone(),
        controller: release.client_id.clone(),
        controller_name: shown.rp.name,
        purpose: shown.purpose,
        legal_basis: shown.legal_basis,
        fields: granted.fields.unwrap_or_default(),
        retention_days: shown.retention_days,
        notice_uri: shown.notice_uri,
        consent: grant.consent.clone(),
        statement: shown.statement.text,
        salt: base64url::encode(&grant.salt),
        events,
    })
}

fn event(stored: &cyberid_storage::release::ReleaseLeaf) -> Result<RecordEvent, ConsentError> {
    let leaf = leaf::read(stored)?;
    Ok(RecordEvent {
        state: leaf.kind.as_str().into(),
        time: leaf.time,
    })
}
