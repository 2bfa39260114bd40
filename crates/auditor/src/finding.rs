//! What an audit finds wrong: the first bad thing, by its place.

use cyberid_tlog::checkpoint::CheckpointError;
use cyberid_tlog::policy::Unsatisfied;

use crate::chain::ChainBreak;
use crate::kept::KeptError;
use crate::party::PartyBreak;
use crate::source::SourceError;

/// The first thing that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The checkpoint is not one of this log.
    #[error("the checkpoint is not valid: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The witnesses that the policy demands have not cosigned.
    #[error("the checkpoint is not witnessed: {0}")]
    NotWitnessed(#[from] Unsatisfied),
    /// The log does not show what it signed.
    #[error("{path} is missing")]
    Missing {
        /// The tile or bundle.
        path: String,
    },
    /// A bundle of entries cannot be taken apart, or holds more than its leaves.
    #[error("entry bundle {path}, which begins with leaf {first_index}, is damaged")]
    Bundle {
        /// The bundle.
        path: String,
        /// The first leaf in it.
        first_index: u64,
    },
    /// A leaf is not the one that the log committed to.
    #[error("leaf {index} was altered: its hash is not the one in the hash tiles")]
    LeafAltered {
        /// The leaf.
        index: u64,
    },
    /// A leaf is not canonical JSON of the leaf format.
    #[error("leaf {index} is not of the leaf format")]
    LeafFormat {
        /// The leaf.
        index: u64,
    },
    /// A hash tile is damaged, while the leaves below it are whole.
    #[error("hash tile {path} does not match the leaves below it")]
    Tile {
        /// The tile.
        path: String,
    },
    /// The leaves do not make the tree that the checkpoint signs.
    #[error("the {size} leaves do not make the root that the checkpoint signs")]
    Root {
        /// The checkpoint's size.
        size: u64,
    },
    /// The log is shorter than the checkpoint that was kept.
    #[error("the log was cut: it has {size} leaves, and had {kept}")]
    Cut {
        /// The size now.
        size: u64,
        /// The size that was kept.
        kept: u64,
    },
    /// The log signed two trees of one size.
    #[error("the log is forked: it signed two trees of {size} leaves")]
    Forked {
        /// The size.
        size: u64,
    },
    /// The log's past differs from the checkpoint that was kept.
    #[error("the past was rewritten: the first {kept} leaves do not make the root that was kept")]
    Rewritten {
        /// The size that was kept.
        kept: u64,
    },
    /// The kinds of a release are out of order.
    #[error("leaf {index} breaks the chain of its release: {broken}")]
    Chain {
        /// The leaf.
        index: u64,
        /// How.
        broken: ChainBreak,
    },
    /// A leaf contradicts what was recorded of its relying party.
    #[error("leaf {index} contradicts the registrations: {broken}")]
    Party {
        /// The leaf.
        index: u64,
        /// How.
        broken: PartyBreak,
    },
    /// The log does not continue the one whose successor it says it is.
    #[error("leaf {index}: the log does not continue the one that it says it does")]
    Succession {
        /// The leaf that says so.
        index: u64,
    },
    /// Nobody outside has vouched for the log for too long, or it is not shown.
    #[error("the log is silent: {0}")]
    Silent(#[from] Silence),
}

/// How a log is silent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// It cannot be read.
    #[error("it could not be read for {seconds} s: {cause}")]
    Unreachable {
        /// For how long.
        seconds: u64,
        /// Why, the last time.
        cause: String,
    },
    /// The witnesses that the policy demands have not cosigned lately.
    #[error("its quorum last cosigned more than {bound} s ago")]
    Stale {
        /// How long ago at most it had to be.
        bound: u64,
    },
}

impl Finding {
    /// The first bad leaf, where the finding has one.
    pub const fn leaf(&self) -> Option<u64> {
        match self {
            Self::LeafAltered { index }
            | Self::LeafFormat { index }
            | Self::Chain { index, .. }
            | Self::Party { index, .. }
            | Self::Succession { index } => Some(*index),
            Self::Bundle { first_index, .. } => Some(*first_index),
            _ => None,
        }
    }

    /// The bad file below the ledger, where the finding has one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Missing { path } | Self::Bundle { path, .. } | Self::Tile { path } => Some(path),
            Self::Checkpoint(_) | Self::NotWitnessed(_) | Self::Root { .. } | Self::Cut { .. } => {
                Some("checkpoint")
            }
            _ => None,
        }
    }
}

/// Why an audit does not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFailure {
    /// The ledger is wrong.
    #[error(transparent)]
    Found(#[from] Finding),
    /// The ledger cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SourceError),
    /// The auditor's own state cannot be kept.
    #[error(transparent)]
    Kept(#[from] KeptError),
}
