//! What can be read of the log: leaves, hash tiles, checkpoints.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;

use crate::Result;

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
