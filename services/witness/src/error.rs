//! Why a witness does not start, and why it does not cosign.

use std::io;
use std::path::{Path, PathBuf};

use cyberid_tlog::note::{SignerError, VerifierKeyError};
use cyberid_tlog::witness::{Refusal, RequestError};

/// Why a witness does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The witness's name cannot stand in a signature line.
    #[error("the witness's name cannot be used: {0}")]
    Name(VerifierKeyError),
    /// A log's key is that of a witness.
    #[error("the key of {0} is not a log key")]
    NotALogKey(String),
    /// A log's key is configured twice.
    #[error("a key of the log {0} is configured twice")]
    DuplicateLog(String),
    /// Another witness works with this folder.
    #[error("the folder {} is in use by another witness", .0.display())]
    InUse(PathBuf),
    /// What the witness's key has signed is not known: signing anew could bless a second history.
    #[error("{} is missing: what this witness has cosigned is lost, and its key must not sign again", .0.display())]
    Lost(PathBuf),
    /// A file is damaged, or holds no checkpoint that this witness or its log has signed.
    #[error("{} is damaged, or was signed neither by this witness nor by its log", .0.display())]
    Corrupt(PathBuf),
    /// The file system failed; what is in the file is read again at the next request.
    #[error("{}: {kind}", path.display())]
    Io {
        /// What was worked on.
        path: PathBuf,
        /// The system's reason.
        kind: io::ErrorKind,
    },
    /// The witness's key did not sign.
    #[error(transparent)]
    Key(#[from] SignerError),
}

impl WitnessError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io {
            path: path.into(),
            kind: error.kind(),
        }
    }
}

/// Why a checkpoint was not cosigned; all but the last are statuses of tlog-witness, add-checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400: the request is malformed.
    #[error("the request is malformed: {0}")]
    Malformed(#[from] RequestError),
    /// 400: the checkpoint is malformed, or smaller than the old size.
    #[error("the checkpoint is malformed, or smaller than the old size")]
    BadCheckpoint,
    /// 404: the log is not known here.
    #[error("the log is not known here")]
    UnknownLog,
    /// 403: the checkpoint is not signed by the log.
    #[error("the checkpoint is not signed by the log")]
    Unsigned,
    /// 409, with the size as the body: the request does not start from what was cosigned last.
    #[error("a checkpoint of size {size} was cosigned last")]
    Conflict {
        /// The size that was cosigned last.
        size: u64,
    },
    /// 422: the proof does not lead from what was cosigned last to this checkpoint.
    #[error("the checkpoint is not proved consistent with the one cosigned last")]
    Inconsistent,
    /// The witness itself failed, and has not cosigned.
    #[error(transparent)]
    Failed(#[from] WitnessError),
}

impl Refused {
    /// One word, for metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::BadCheckpoint => "malformed",
            Self::UnknownLog => "unknown_log",
            Self::Unsigned => "unsigned",
            Self::Conflict { .. } => "conflict",
            Self::Inconsistent => "inconsistent",
            Self::Failed(_) => "failed",
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsigned(_) => Self::Unsigned,
            Refusal::BadRequest => Self::BadCheckpoint,
            Refusal::Conflict { size } => Self::Conflict { size },
            Refusal::Inconsistent => Self::Inconsistent,
        }
    }
}
