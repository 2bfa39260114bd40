//! Promised leaves: what the registry has decided and the ledger is to record, under an idempotent name.

use async_trait::async_trait;
use cyberid_domain::id::LeafId;

use crate::Result;

/// A leaf that is promised in the transaction that makes it true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromisedLeaf {
    /// Its name: appending it twice appends it once.
    pub id: LeafId,
    /// Its bytes.
    pub body: String,
}

/// Promised leaves. Most are written with what they record, by the other ports of the registry.
#[async_trait]
pub trait Promises: Send + Sync {
    /// The leaves that have no place in the log yet, in the order in which they were promised.
    async fn outstanding(&self, limit: u32) -> Result<Vec<PromisedLeaf>>;

    /// Records that a promised leaf has its place. Again is fine.
    async fn kept(&self, id: &LeafId, index: u64) -> Result<()>;

    /// The place of a promised leaf.
    async fn place(&self, id: &LeafId) -> Result<Option<u64>>;
}

/// Promises of leaves that record nothing of the registry: what happened to the platform itself.
#[async_trait]
pub trait Pledges: Send + Sync {
    /// Promises these leaves, in one transaction. One whose name was promised before stays as it was, so that asking
    /// again promises nothing twice. Returns how many are new.
    async fn pledge(&self, leaves: &[PromisedLeaf]) -> Result<u64>;
}
