//! Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2).
//!
//! Making a proof is split in two: a plan names the complete subtrees it needs, and evaluates once the caller has their
//! hashes. Checking a proof follows the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.

mod consistency;
mod inclusion;
mod spans;

pub use consistency::{ConsistencyPlan, ConsistencyProof};
pub use inclusion::{InclusionPlan, InclusionProof};
use thiserror::Error;

use crate::node::Node;

/// The most hashes a proof can hold in a tree of at most `1 << 63` leaves (tlog-witness, add-checkpoint).
pub const MAX_PROOF_HASHES: usize = 63;

/// What was asked for has no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The entry is not within the tree.
    #[error("entry {index} is not in a tree of {size} leaves")]
    IndexOutOfRange {
        /// The entry asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {old} leaves is not a prefix of one of {new}")]
    OldLargerThanNew {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// The tree is larger than [`MAX_SIZE`](crate::node::MAX_SIZE).
    #[error("a tree of {size} leaves is too large")]
    SizeTooLarge {
        /// The size asked for.
        size: u64,
    },
}

/// The caller has no hash for a node that the plan named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the hash of {node:?} is missing")]
pub struct MissingNode {
    /// The node without a hash.
    pub node: Node,
}

/// A proof does not prove what it was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The entry or the older tree does not lie within the (newer) tree.
    #[error("the sizes do not fit each other")]
    OutOfRange,
    /// The proof has more or fewer hashes than a proof for these sizes has.
    #[error("the proof has a wrong number of hashes")]
    WrongLength,
    /// The hashes do not lead to the root of the older tree.
    #[error("the proof does not lead to the old root")]
    OldRootMismatch,
    /// The hashes do not lead to the root of the (newer) tree.
    #[error("the proof does not lead to the root")]
    RootMismatch,
}
