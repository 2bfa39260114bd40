//! The ledger's store: leaves, hash tiles, checkpoints.

use async_trait::async_trait;
use cyberid_domain::id::LeafId;

pub use cyberid_storage_read::ledger::{LeafFilter, LedgerRead, StoredLeaf, StoredTile};

use crate::Result;

/// A leaf on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLeaf {
    /// Its name.
    pub id: LeafId,
    /// Its bytes.
    pub body: String,
}

/// Leaves with all that their place in the log brings with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The leaves.
    pub leaves: Vec<NewLeaf>,
    /// The tiles that they change, whole.
    pub tiles: Vec<StoredTile>,
    /// The signed checkpoint that covers them and nothing more.
    pub checkpoint: String,
}

/// What the one sequencer writes. Leaves are never changed or removed; a tile only grows.
#[async_trait]
pub trait LedgerWrite: LedgerRead {
    /// In one transaction: appends the leaves of the batch at `size`, writes its tiles and keeps its checkpoint. `false`,
    /// and nothing written, if the log has another size: another sequencer is at work. A batch without leaves keeps
    /// a checkpoint; again is fine.
    async fn append(&self, size: u64, batch: &Batch) -> Result<bool>;

    /// The last name, in the order of text, that comes before this text.
    async fn last_name(&self, before: &str) -> Result<Option<LeafId>>;

    /// The places of those of these names that the log has, in any order.
    async fn places(&self, names: &[LeafId]) -> Result<Vec<(LeafId, u64)>>;

    /// Makes durable everything that it shows. After an error, or a process that ended, it may show what it did not keep.
    /// `false` if that cannot be made sure of now.
    async fn make_sure(&self) -> Result<bool>;

    /// Keeps a checkpoint with the cosignatures of the policy's quorum. Again is fine; the latest stays.
    async fn keep_cosigned(&self, size: u64, note: &str) -> Result<()>;
}
