//! Checking a receipt offline: nobody's word is needed for what was recorded about a holder.
//!
//! Everything in a receipt is held to something that was signed. The consent is signed by the device key, the checkpoint
//! by the ledger and its witnesses; the leaf holds the consent's hash and a commitment to the key; the consent holds the
//! hashes of the request and of the statement; and the record is made again from these, and compared.

use cyberid_client::ledger::Tree;
use cyberid_crypto::{PublicKey, digest};
use cyberid_protocol::consent::Consent;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::message;
use cyberid_protocol::receipt::{
    ConsentRecord, EvidenceRead, InvalidEvidence, LedgerClaims, Receipt, SCHEMA,
};
use cyberid_protocol::request::ReleaseRequest;
use cyberid_protocol::statement::{self, Terms, Version};
use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::cosignature::Cosignature;
use cyberid_tlog::receipt::{TlogProof, VerifiedEntry};

/// Why a receipt proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptRefused {
    /// The record is not of the schema.
    #[error("the record is of another schema")]
    Schema,
    /// A part of the evidence cannot be read.
    #[error(transparent)]
    Evidence(#[from] InvalidEvidence),
    /// The record is of another consent than the one asked for.
    #[error("the record is of another consent")]
    AnotherConsent,
    /// The receipt is said to be of another ledger than the one that is trusted.
    #[error("the receipt is of another ledger")]
    AnotherLedger,
    /// The consent was not signed by the device key in the record, or not for this platform.
    #[error("the consent is not one that this device signed for this platform")]
    Consent,
    /// The consent does not say what the request that it answers says.
    #[error("the consent does not say what the request says")]
    ConsentDiffers,
    /// The statement is not the one that was shown, or says something else than the request.
    #[error("the statement is not the one that was shown")]
    StatementDiffers,
    /// The leaf does not say what the consent and the events say, or is about somebody else.
    #[error("the leaf does not say what the consent and the events say")]
    LeafDiffers,
    /// The record does not say what its evidence says.
    #[error("the record does not say what its evidence says")]
    RecordDiffers,
    /// The leaf is not under a checkpoint that the policy accepts.
    #[error("the leaf is not in the witnessed ledger")]
    NotInWitnessedLedger,
}

/// A receipt that proves what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedReceipt {
    receipt: Receipt,
    read: EvidenceRead,
    version: Version,
    leaf: Leaf,
    entry: VerifiedEntry,
}

impl VerifiedReceipt {
    /// The receipt, to keep.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What the holder agreed to.
    pub fn consent(&self) -> &Consent {
        &self.read.consent
    }

    /// What the holder was asked.
    pub fn request(&self) -> &ReleaseRequest {
        &self.read.request
    }

    /// The key that agreed.
    pub fn device(&self) -> &PublicKey {
        &self.read.device
    }

    /// The version of the statement that was shown.
    pub fn statement_version(&self) -> Version {
        self.version
    }

    /// What the ledger says.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The leaf's place in the ledger.
    pub fn index(&self) -> u64 {
        self.entry.index()
    }

    /// The tree that the leaf is in.
    pub fn tree(&self) -> Tree {
        Tree::from(self.entry.checkpoint())
    }

    /// The witnesses of the policy that have seen it, and when.
    pub fn cosignatures(&self) -> &[Cosignature] {
        self.entry.cosignatures()
    }

    /// How many signatures under the checkpoint are of nobody in the policy: nobody checked those.
    pub fn unknown_signatures(&self) -> usize {
        let signatures = self.entry.checkpoint().note().signatures().len();
        signatures.saturating_sub(1 + self.cosignatures().len())
    }

    /// Whether the file names the witness policy that it was checked by; nothing if it names none.
    pub fn names_policy(&self, anchors: &Anchors) -> Option<bool> {
        let claimed = self.receipt.ledger.as_ref()?;
        Some(claimed.policy.as_bytes() == anchors.policy.to_bytes())
    }

    pub(crate) fn checkpoint(&self) -> &VerifiedCheckpoint {
        self.entry.checkpoint()
    }

    /// The receipt as a file for anybody to check, which says which ledger it was checked against.
    pub fn to_file(&self, anchors: &Anchors) -> Receipt {
        let policy = String::from_utf8_lossy(&anchors.policy.to_bytes()).into_owned();
        Receipt {
            ledger: Some(LedgerClaims {
                issuer: anchors.issuer.clone(),
                vkey: anchors.ledger.to_string(),
                policy,
            }),
            ..self.receipt.clone()
        }
    }
}

/// Checks a receipt of this device: the consent is its own.
pub fn check_receipt(
    receipt: Receipt,
    anchors: &Anchors,
    device: &PublicKey,
) -> Result<VerifiedReceipt, ReceiptRefused> {
    let verified = verify_receipt(receipt, anchors)?;
    if verified.device() == device {
        Ok(verified)
    } else {
        Err(ReceiptRefused::Consent)
    }
}

/// Checks anybody's receipt with nothing but the pinned ledger key and policy. It proves that the device key in it
/// agreed; whose that key is, it does not say.
pub fn verify_receipt(receipt: Receipt, anchors: &Anchors) -> Result<VerifiedReceipt, ReceiptRefused> {
    let record = &receipt.record;
    if record.record_header.schema_version != SCHEMA {
        return Err(ReceiptRefused::Schema);
    }
    let claimed = receipt.ledger.as_ref();
    if claimed.is_some_and(|said| said.issuer != anchors.issuer || said.vkey != anchors.ledger.to_string()) {
        return Err(ReceiptRefused::AnotherLedger);
    }
    let read = record.evidence.read()?;
    check_consent(record, &read, anchors)?;
    let version = check_statement(record, &read)?;
    let leaf = read.leaf(&record.evidence.consent, record.life())?;
    if leaf.to_text().as_deref() != Ok(&receipt.leaf) {
        return Err(ReceiptRefused::LeafDiffers);
    }
    if ConsentRecord::of(record.evidence.clone(), record.life())? != *record {
        return Err(ReceiptRefused::RecordDiffers);
    }
    let entry = proved(&receipt, anchors).ok_or(ReceiptRefused::NotInWitnessedLedger)?;
    Ok(VerifiedReceipt {
        receipt,
        read,
        version,
        leaf,
        entry,
    })
}

fn check_consent(
    record: &ConsentRecord,
    read: &EvidenceRead,
    anchors: &Anchors,
) -> Result<(), ReceiptRefused> {
    let consent: Consent =
        message::open(&record.evidence.consent, &read.device).map_err(|_| ReceiptRefused::Consent)?;
    if consent.aud != anchors.issuer {
        return Err(ReceiptRefused::Consent);
    }
    match consent.differs_from(&read.request, &record.evidence.request) {
        None => Ok(()),
        Some("statement_sha256") => Err(ReceiptRefused::StatementDiffers),
        Some(_) => Err(ReceiptRefused::ConsentDiffers),
    }
}

/// The version whose template makes this text of the request's terms.
fn check_statement(record: &ConsentRecord, read: &EvidenceRead) -> Result<Version, ReceiptRefused> {
    let kept = digest::sha256_base64url(record.evidence.statement.as_bytes());
    let version = statement::version_of(&read.request.statement, &Terms::from(&read.request));
    version
        .filter(|_| kept == read.consent.statement_sha256)
        .ok_or(ReceiptRefused::StatementDiffers)
}

/// Our proofs have no extra data: nothing would authenticate it.
fn proved(receipt: &Receipt, anchors: &Anchors) -> Option<VerifiedEntry> {
    let proof = TlogProof::parse(receipt.proof.as_bytes()).ok()?;
    let entry = proof.verify(receipt.leaf.as_bytes(), &anchors.ledger, &anchors.policy);
    entry.ok().filter(|_| proof.extra.is_none())
}

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;
