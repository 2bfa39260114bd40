//! Checking a receipt offline: the holder needs nobody's word for what was recorded about them.

use cyberid_client::ledger::Tree;
use cyberid_crypto::{PublicKey, base64url, digest};
use cyberid_protocol::consent::Consent;
use cyberid_protocol::leaf::{self, Leaf, LeafKind};
use cyberid_protocol::message;
use cyberid_protocol::receipt::{ConsentRecord, Receipt, SCHEMA};
use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::receipt::TlogProof;

/// Why a receipt proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptRefused {
    /// The leaf is not a canonical leaf of a consent, or the salt cannot be read.
    #[error("the leaf or the salt is malformed")]
    Malformed,
    /// The record is not of the schema.
    #[error("the record is of another schema")]
    Schema,
    /// The record is of another consent than the one asked for.
    #[error("the record is of another consent")]
    AnotherConsent,
    /// The consent in the record was not signed by this device for this platform.
    #[error("the consent is not one that this device signed")]
    Consent,
    /// The record does not say what the consent says.
    #[error("the record does not say what the consent says")]
    RecordDiffers,
    /// The statement is not the one that the device showed.
    #[error("the statement is not the one that was shown")]
    StatementDiffers,
    /// The leaf does not say what the consent says, or is about somebody else.
    #[error("the leaf does not say what the consent says")]
    LeafDiffers,
    /// The leaf is not under a checkpoint that the policy accepts.
    #[error("the leaf is not in the witnessed ledger")]
    NotInWitnessedLedger,
}

/// A receipt that proves what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedReceipt {
    receipt: Receipt,
    consent: Consent,
    leaf: Leaf,
    index: u64,
    checkpoint: VerifiedCheckpoint,
}

impl VerifiedReceipt {
    /// The receipt, to keep.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What the holder agreed to.
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// What the ledger says.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The leaf's place in the ledger.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The tree that the leaf is in.
    pub fn tree(&self) -> Tree {
        Tree::from(&self.checkpoint)
    }

    pub(crate) fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }
}

/// Checks a receipt with nothing but the device's own public key and the pinned ledger key and policy.
///
/// The record's id and the events after the leaf's own are the platform's word alone: no leaf holds them.
pub fn check_receipt(
    receipt: Receipt,
    anchors: &Anchors,
    device: &PublicKey,
) -> Result<VerifiedReceipt, ReceiptRefused> {
    let consent = own_consent(&receipt.record, anchors, device)?;
    check_record(&receipt.record, &consent)?;
    let leaf = Leaf::from_text(&receipt.leaf).map_err(|_| ReceiptRefused::Malformed)?;
    check_leaf(&leaf, &receipt.record, &consent, device)?;
    let proof =
        TlogProof::parse(receipt.proof.as_bytes()).map_err(|_| ReceiptRefused::NotInWitnessedLedger)?;
    let entry = proof
        .verify(receipt.leaf.as_bytes(), &anchors.ledger, &anchors.policy)
        .map_err(|_| ReceiptRefused::NotInWitnessedLedger)?;
    Ok(VerifiedReceipt {
        receipt,
        consent,
        leaf,
        index: entry.index(),
        checkpoint: entry.checkpoint().clone(),
    })
}

fn own_consent(
    record: &ConsentRecord,
    anchors: &Anchors,
    device: &PublicKey,
) -> Result<Consent, ReceiptRefused> {
    let consent: Consent = message::open(&record.consent, device).map_err(|_| ReceiptRefused::Consent)?;
    if consent.aud == anchors.issuer {
        Ok(consent)
    } else {
        Err(ReceiptRefused::Consent)
    }
}

fn check_record(record: &ConsentRecord, consent: &Consent) -> Result<(), ReceiptRefused> {
    if record.schema_version != SCHEMA {
        return Err(ReceiptRefused::Schema);
    }
    if digest::sha256_base64url(record.statement.as_bytes()) != consent.statement_sha256 {
        return Err(ReceiptRefused::StatementDiffers);
    }
    let same = record.release_id == consent.request
        && record.controller == consent.rp
        && record.purpose == consent.purpose
        && record.legal_basis == consent.legal_basis
        && record.fields == consent.fields
        && record.retention_days == consent.retention_days
        // Name and notice stand in no claim of their own: the statement that was signed holds them.
        && is_stated(&record.statement, &record.controller_name)
        && is_stated(&record.statement, &record.notice_uri);
    same.then_some(()).ok_or(ReceiptRefused::RecordDiffers)
}

fn is_stated(statement: &str, part: &str) -> bool {
    !part.is_empty() && statement.contains(part)
}

fn check_leaf(
    leaf: &Leaf,
    record: &ConsentRecord,
    consent: &Consent,
    device: &PublicKey,
) -> Result<(), ReceiptRefused> {
    let salt = base64url::decode_array(&record.salt).ok_or(ReceiptRefused::Malformed)?;
    let said = Leaf {
        request: Some(consent.request.clone()),
        rp: Some(consent.rp.clone()),
        subject_commitment: Some(leaf::subject_commitment(&salt, &device.thumbprint())),
        fields: Some(consent.fields.clone()),
        purpose: Some(consent.purpose.clone()),
        legal_basis: Some(consent.legal_basis.clone()),
        retention_days: Some(consent.retention_days),
        enc_jkt: Some(consent.enc_jkt.clone()),
        consent_sha256: Some(digest::sha256_base64url(record.consent.as_bytes())),
        previous: leaf.previous.clone(),
        ..Leaf::new(leaf.kind, leaf.time)
    };
    let recorded = record
        .events
        .iter()
        .any(|event| event.state == leaf.kind.as_str() && event.time == leaf.time);
    let placed = match leaf.kind {
        LeafKind::ConsentGranted => leaf.previous.is_none(),
        LeafKind::ConsentWithdrawn => leaf.previous.is_some(),
        _ => false,
    };
    (*leaf == said && recorded && placed)
        .then_some(())
        .ok_or(ReceiptRefused::LeafDiffers)
}

#[cfg(test)]
mod tests;
