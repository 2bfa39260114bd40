//! Why the ledger did not do what it was asked.

use std::sync::Arc;

use cyberid_ledger_read::ReadError;
use cyberid_storage::StorageError;
use cyberid_tlog::note::SignerError;

/// Why the ledger did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The policy needs no witness, and that was not allowed in so many words.
    #[error("the policy needs no witness, and this is not allowed here")]
    Unwitnessed,
    /// The policy lists logs, and this one is not among them.
    #[error("the policy is for another log")]
    ForeignPolicy,
    /// The head was not signed by this log's key, or says something else than its note.
    #[error("the head is not one of this log")]
    ForeignHead,
    /// The store has leaves and there is no head: it was lost, or belongs to another store.
    #[error("the log has {store} leaves and no head")]
    HeadMissing {
        /// The size of the stored log.
        store: u64,
    },
    /// The store is smaller than what was signed: it was restored from a backup. Nothing is signed until it has caught up.
    #[error("the log was signed with {head} leaves, and only {store} are stored")]
    Behind {
        /// The size that was signed last.
        head: u64,
        /// The size of the stored log.
        store: u64,
    },
    /// What is stored does not hash to what was signed, or leaves and tiles disagree.
    #[error("what is stored of the first {size} leaves contradicts itself or the signed root")]
    Contradicts {
        /// The size at which this shows.
        size: u64,
    },
    /// A leaf is longer than an entry bundle can hold (tlog-tiles, Log entries).
    #[error("a leaf of {len} bytes is too long")]
    TooLong {
        /// The length of the leaf in bytes.
        len: usize,
    },
    /// The quorum has not cosigned in time. Nothing is lost: asking again goes on from here.
    #[error("no quorum has cosigned a checkpoint with leaf {index} in time")]
    NoQuorum {
        /// The leaf that was to be covered.
        index: u64,
    },
    /// This sequencer has stopped for good: another one is at work, or the store is not to be trusted.
    #[error("the sequencer has stopped")]
    Stopped,
    /// The log's key did not sign; whether the leaves are stored is seen when asking again.
    #[error("the log's key did not sign")]
    Key(#[from] SignerError),
    /// The store failed; asking again is safe, and shows whether the leaves are stored.
    #[error("the store failed, and whether the leaves are stored is unknown")]
    Unknown(#[source] Arc<StorageError>),
    /// Something could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl LedgerError {
    /// Says whether a sequencer that meets this must never sign again.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Key(_) | Self::Unknown(_) | Self::Read(_))
    }
}

impl From<StorageError> for LedgerError {
    fn from(error: StorageError) -> Self {
        Self::Unknown(Arc::new(error))
    }
}
