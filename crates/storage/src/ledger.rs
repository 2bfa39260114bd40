//! The ledger's store: leaves, hash tiles, checkpoints; and the head, which lives apart.

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

/// What the one sequencer writes. Leaves are never changed or removed; a tile only grows.
#[async_trait]
pub trait LedgerWrite: LedgerRead {
    /// In one transaction: appends `leaves` at `size` and writes the tiles that they change. `false`, and nothing
    /// written, if the log has another size: another sequencer is at work.
    async fn append(&self, size: u64, leaves: &[NewLeaf], tiles: &[StoredTile]) -> Result<bool>;

    /// Keeps the signed checkpoint of this size. Again is fine.
    async fn keep_checkpoint(&self, size: u64, note: &str) -> Result<()>;

    /// Keeps a checkpoint with the cosignatures of the policy's quorum. Again is fine; the latest stays.
    async fn keep_cosigned(&self, size: u64, note: &str) -> Result<()>;
}

/// The last signed checkpoint, in a store of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The size of the log.
    pub size: u64,
    /// The root of the log.
    pub root: [u8; 32],
    /// The signed note.
    pub note: String,
}

/// The head's store. It is not in any backup of the ledger: a restored ledger is noticed because it is behind.
#[async_trait]
pub trait LedgerHead: Send + Sync {
    /// The head; nothing only for a log that was never signed.
    async fn head(&self) -> Result<Option<Head>>;

    /// Replaces the head if it is still of this size and root (nothing for a new log); `false` otherwise.
    async fn swap(&self, was: Option<(u64, [u8; 32])>, head: &Head) -> Result<bool>;
}
