//! Receipts: an entry's proof with the checkpoint it leads to, checkable offline (C2SP tlog-proof).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::checkpoint::{CheckpointError, VerifiedCheckpoint};
use crate::cosignature::Cosignature;
use crate::hash::{Hash, leaf_hash};
use crate::note::{NoteError, SignedNote, VerifierKey};
use crate::policy::{Policy, Unsatisfied};
use crate::proof::{InclusionProof, MAX_PROOF_HASHES, ProofError};
use crate::text;

/// The largest receipt read, in bytes.
pub const MAX_RECEIPT_LEN: usize = 2_000_000;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A receipt as it was read: nothing in it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data of the application. Nothing authenticates it, not even [`TlogProof::verify`].
    pub extra: Option<Vec<u8>>,
    /// The zero-based index of the entry.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling up.
    pub proof: InclusionProof,
    /// The log's checkpoint, with its cosignatures.
    pub checkpoint: SignedNote,
}

/// An entry proved to be in the log, under a checkpoint that the policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEntry {
    index: u64,
    checkpoint: VerifiedCheckpoint,
    cosignatures: Vec<Cosignature>,
}

/// Why text is not a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReceiptFormatError {
    /// The receipt has more than [`MAX_RECEIPT_LEN`] bytes.
    #[error("the receipt is too large")]
    TooLarge,
    /// The first line is not that of a receipt.
    #[error("this is not a receipt")]
    WrongHeader,
    /// The extra data is empty or not canonical base64.
    #[error("the extra data is malformed")]
    MalformedExtra,
    /// There is no index line, or the index is not a canonical decimal.
    #[error("the index is malformed")]
    MalformedIndex,
    /// A proof line is not a hash in canonical base64.
    #[error("a proof hash is malformed")]
    MalformedHash,
    /// There are more than [`MAX_PROOF_HASHES`] proof lines.
    #[error("the proof is too long")]
    TooManyHashes,
    /// No empty line and checkpoint follow the proof.
    #[error("the checkpoint is missing")]
    MissingCheckpoint,
    /// The checkpoint is not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// Why a receipt does not prove its entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The checkpoint is not one of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The policy does not accept the checkpoint.
    #[error(transparent)]
    Policy(#[from] Unsatisfied),
    /// The entry is not proved to be in the checkpoint's tree.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl TlogProof {
    /// Reads a receipt (tlog-proof, Format).
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptFormatError> {
        if bytes.len() > MAX_RECEIPT_LEN {
            return Err(ReceiptFormatError::TooLarge);
        }
        str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?.parse()
    }

    /// Checks that `entry` is in the log at the receipt's index, under a checkpoint that the policy accepts.
    pub fn verify(
        &self,
        entry: &[u8],
        log: &VerifierKey,
        policy: &Policy,
    ) -> Result<VerifiedEntry, ReceiptError> {
        let checkpoint = VerifiedCheckpoint::from_note(self.checkpoint.clone(), log)?;
        let cosignatures = policy.satisfied_by(&checkpoint)?;
        self.proof
            .verify(leaf_hash(entry), self.index, checkpoint.size(), checkpoint.root())?;
        Ok(VerifiedEntry {
            index: self.index,
            checkpoint,
            cosignatures,
        })
    }
}

impl VerifiedEntry {
    /// The zero-based index of the entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint the entry is under.
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// The checked cosignatures of the policy's witnesses; empty only where the policy requires none.
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = self.extra.as_ref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", text::encode_base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof
            .hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ReceiptFormatError;

    fn from_str(receipt: &str) -> Result<Self, ReceiptFormatError> {
        let (head, note) = receipt
            .split_once("\n\n")
            .ok_or(ReceiptFormatError::MissingCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(ReceiptFormatError::WrongHeader);
        }
        let extra = lines
            .next_if(|line| line.starts_with("extra "))
            .map(parse_extra)
            .transpose()?;
        let index = lines
            .next()
            .and_then(|line| text::parse_decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(ReceiptFormatError::MalformedIndex)?;
        let hashes = parse_hashes(lines)?;
        let checkpoint = SignedNote::parse(note.as_bytes())?;
        Ok(Self {
            extra,
            index,
            proof: InclusionProof { hashes },
            checkpoint,
        })
    }
}

/// Without extra data the whole line is left out, so an empty one is refused.
fn parse_extra(line: &str) -> Result<Vec<u8>, ReceiptFormatError> {
    let bytes = line.strip_prefix("extra ").and_then(text::decode_base64);
    bytes
        .filter(|bytes| !bytes.is_empty())
        .ok_or(ReceiptFormatError::MalformedExtra)
}

fn parse_hashes<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Vec<Hash>, ReceiptFormatError> {
    let hash = |line| Hash::from_base64(line).ok_or(ReceiptFormatError::MalformedHash);
    let hashes = lines
        .take(MAX_PROOF_HASHES + 1)
        .map(hash)
        .collect::<Result<Vec<_>, _>>()?;
    if hashes.len() > MAX_PROOF_HASHES {
        Err(ReceiptFormatError::TooManyHashes)
    } else {
        Ok(hashes)
    }
}
