//! The ledger's store: leaves, hash tiles, checkpoints.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, LeafId};

use crate::Result;

/// A leaf on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLeaf {
    /// Its name.
    pub id: LeafId,
    /// Its bytes.
    pub body: String,
}

/// A leaf in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLeaf {
    /// Its place.
    pub index: u64,
    /// Its bytes.
    pub body: String,
}

/// A hash tile, whole or partial: a multiple of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTile {
    /// Its level, from the leaves up.
    pub level: u8,
    /// Its place in the level.
    pub index: u64,
    /// Its hashes, in sequence.
    pub hashes: Vec<u8>,
}

/// Which leaves the regulator asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafFilter {
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only naming this relying party.
    pub rp: Option<ClientId>,
    /// Only made at or after this moment.
    pub from: Option<UnixTime>,
    /// Only made before this moment.
    pub to: Option<UnixTime>,
}

/// What can be read of the log. The auditor's services hold this and nothing else.
#[async_trait]
pub trait LedgerRead: Send + Sync {
    /// How many leaves are durable.
    async fn size(&self) -> Result<u64>;

    /// The leaves from `start` on, at most `limit`.
    async fn leaves(&self, start: u64, limit: u32) -> Result<Vec<StoredLeaf>>;

    /// The leaves that match, with an index of at least `start` and below `end`, at most `limit`.
    async fn matching(
        &self,
        filter: &LeafFilter,
        start: u64,
        end: u64,
        limit: u32,
    ) -> Result<Vec<StoredLeaf>>;

    /// The place of the leaf of this name.
    async fn index_of(&self, id: &LeafId) -> Result<Option<u64>>;

    /// A tile, as wide as it is by now.
    async fn tile(&self, level: u8, index: u64) -> Result<Option<StoredTile>>;

    /// The last checkpoint that was signed, as a signed note.
    async fn checkpoint(&self) -> Result<Option<String>>;

    /// The smallest cosigned checkpoint of at least this size, as a signed note with its cosignatures.
    async fn cosigned(&self, at_least: u64) -> Result<Option<String>>;

    /// The largest cosigned checkpoint, as a signed note with its cosignatures.
    async fn newest_cosigned(&self) -> Result<Option<String>>;

    /// How many leaves below `end` there are of each kind and relying party.
    async fn counts(&self, end: u64) -> Result<Vec<(String, Option<ClientId>, u64)>>;
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

    /// Keeps a checkpoint with the cosignatures of the policy's quorum. Again is fine; the latest stays.
    async fn keep_cosigned(&self, size: u64, note: &str) -> Result<()>;
}
