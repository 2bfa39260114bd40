//! What a log and a witness say to each other (C2SP tlog-witness, add-checkpoint).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::checkpoint::{CheckpointError, VerifiedCheckpoint};
use crate::cosignature;
use crate::hash::{EMPTY_ROOT, Hash};
use crate::note::{NoteError, SignedNote, VerifierKey};
use crate::proof::{ConsistencyProof, MAX_PROOF_HASHES};
use crate::text;

/// The largest request read, in bytes.
pub const MAX_REQUEST_LEN: usize = 1_100_000;

/// The content type of a 409 answer, whose body is [`format_size`] of the witness's own size.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// A request as it was read: nothing in it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint the log believes the witness cosigned last.
    pub old_size: u64,
    /// The proof from that checkpoint to this one.
    pub proof: ConsistencyProof,
    /// The new checkpoint.
    pub checkpoint: SignedNote,
}

/// What a witness remembers of a log: the last checkpoint it cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The number of leaves.
    pub size: u64,
    /// The root of that size.
    pub root: Hash,
}

impl Default for Latest {
    /// A log never seen before is empty.
    fn default() -> Self {
        Self {
            size: 0,
            root: EMPTY_ROOT,
        }
    }
}

/// Why text is not a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The request has more than [`MAX_REQUEST_LEN`] bytes.
    #[error("the request is too large")]
    TooLarge,
    /// There is no `old` line with a canonical decimal.
    #[error("the old size is malformed")]
    MalformedOldSize,
    /// A proof line is not a hash in canonical base64.
    #[error("a proof hash is malformed")]
    MalformedHash,
    /// There are more than 63 proof lines.
    #[error("the proof is too long")]
    TooManyHashes,
    /// No empty line and checkpoint follow the proof.
    #[error("the checkpoint is missing")]
    MissingCheckpoint,
    /// The checkpoint is not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// Why a witness does not cosign; each is one status of tlog-witness, add-checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// 403: not signed by the log.
    #[error("the checkpoint is not signed by the log")]
    Unsigned(CheckpointError),
    /// 400: the signed text is not a checkpoint, or the old size is above its size.
    #[error("the request is malformed")]
    BadRequest,
    /// 409, with this size as the body: the old size is not that of the last cosigned checkpoint, or the same size has
    /// another root.
    #[error("the witness holds a checkpoint of size {size}")]
    Conflict {
        /// The size of the last cosigned checkpoint.
        size: u64,
    },
    /// 422: the proof does not lead from the last cosigned checkpoint to this one, or the root is none of an empty tree.
    #[error("the checkpoint is not proved consistent")]
    Inconsistent,
}

impl AddCheckpoint {
    /// Reads a request body.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_REQUEST_LEN {
            return Err(RequestError::TooLarge);
        }
        str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?.parse()
    }

    /// The name of the log as claimed, by which a witness finds its key; 400 or 404 when there is none.
    pub fn claimed_origin(&self) -> Option<&str> {
        self.checkpoint
            .text()
            .split('\n')
            .next()
            .filter(|origin| !origin.is_empty())
    }

    /// Checks the request against what the witness remembers, in the order of tlog-witness, add-checkpoint.
    ///
    /// The caller stores the new checkpoint atomically with this check, and cosigns after that.
    pub fn check(&self, log: &VerifierKey, latest: Latest) -> Result<VerifiedCheckpoint, Refusal> {
        let new = VerifiedCheckpoint::from_note(self.checkpoint.clone(), log).map_err(refusal)?;
        if self.old_size > new.size() {
            return Err(Refusal::BadRequest);
        }
        let same_size_other_root = self.old_size == new.size() && latest.root != new.root();
        if self.old_size != latest.size || same_size_other_root {
            return Err(Refusal::Conflict { size: latest.size });
        }
        let consistent = self
            .proof
            .verify(latest.size, latest.root, new.size(), new.root());
        consistent.map(|()| new).map_err(|_| Refusal::Inconsistent)
    }
}

fn refusal(error: CheckpointError) -> Refusal {
    match error {
        CheckpointError::Note(_) | CheckpointError::WrongOrigin | CheckpointError::NotALogKey => {
            Refusal::Unsigned(error)
        }
        // An empty tree has one root, so that another is consistent with nothing.
        CheckpointError::WrongEmptyRoot => Refusal::Inconsistent,
        _ => Refusal::BadRequest,
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof
            .hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for AddCheckpoint {
    type Err = RequestError;

    fn from_str(body: &str) -> Result<Self, RequestError> {
        let (head, note) = body.split_once("\n\n").ok_or(RequestError::MissingCheckpoint)?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| text::parse_decimal(line.strip_prefix("old ")?));
        let old_size = old_size.ok_or(RequestError::MalformedOldSize)?;
        let hash = |line| Hash::from_base64(line).ok_or(RequestError::MalformedHash);
        let hashes = lines
            .take(MAX_PROOF_HASHES + 1)
            .map(hash)
            .collect::<Result<Vec<_>, _>>()?;
        if hashes.len() > MAX_PROOF_HASHES {
            return Err(RequestError::TooManyHashes);
        }
        let checkpoint = SignedNote::parse(note.as_bytes())?;
        Ok(Self {
            old_size,
            proof: ConsistencyProof { hashes },
            checkpoint,
        })
    }
}

/// Takes a witness's 200 answer (signature lines) into the checkpoint it was asked for.
///
/// Lines of other keys are ignored. `true` says that the witness's cosignature was there, and it is checked.
pub fn accept_response(
    checkpoint: &mut VerifiedCheckpoint,
    response: &str,
    witness: &VerifierKey,
) -> Result<bool, NoteError> {
    let lines = crate::note::NoteSignature::parse_lines(response)?;
    let mut mine = lines
        .into_iter()
        .filter(|line| line.name() == witness.name() && line.key_id() == witness.key_id());
    let Some(line) = mine.next() else { return Ok(false) };
    if mine.next().is_some() {
        return Err(NoteError::DuplicateSignature {
            name: witness.name().to_owned(),
        });
    }
    // A time of zero would say nothing of the time, and a witness's answer must (tlog-witness, add-checkpoint).
    let timestamp = cosignature::checked_timestamp(witness, checkpoint.note().text(), line.bytes());
    if timestamp.is_none_or(|timestamp| timestamp == 0) {
        return Err(NoteError::InvalidSignature {
            name: witness.name().to_owned(),
        });
    }
    checkpoint.add_cosignature(line)?;
    Ok(true)
}

/// Writes the body of a 409 answer.
pub fn format_size(size: u64) -> String {
    format!("{size}\n")
}

/// Reads the body of a 409 answer: a canonical decimal and a newline.
pub fn parse_size(body: &str) -> Option<u64> {
    text::parse_decimal(body.strip_suffix('\n')?)
}
