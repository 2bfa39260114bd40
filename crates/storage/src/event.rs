//! Events that a relying party is told, and how far pushing them has come.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;

use crate::Result;

/// An event that is written with what it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Who is told.
    pub client_id: ClientId,
    /// The signed security event token.
    pub token: String,
}

/// The feed of events.
#[async_trait]
pub trait Events: Send + Sync {
    /// The events of a relying party after this sequence number, oldest first, each with its own.
    async fn events_after(&self, client_id: &ClientId, after: u64, limit: u32) -> Result<Vec<(u64, String)>>;
}

/// How far the push to one relying party has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// To whom.
    pub client_id: ClientId,
    /// The sequence number of the last event that needs no further attempt; zero for none.
    pub settled: u64,
    /// How often in a row the event after that one was attempted in vain.
    pub failures: u32,
}

/// How far pushing has come: written in the transaction that writes an event, and moved on by whoever delivers.
///
/// Whoever edits these rows makes a relying party hear of an event twice, or from the feed alone; no row holds what
/// an event says.
#[async_trait]
pub trait Pushes: Send + Sync {
    /// The pushes that have an event to deliver and may be attempted now, the longest due first.
    async fn pushes_due(&self, now: UnixTime, limit: u32) -> Result<Vec<Push>>;

    /// Settles all events up to this one, durably, and forgets failures. What is settled stays so: an earlier number
    /// changes nothing.
    async fn settle_push(&self, client_id: &ClientId, sequence: u64) -> Result<()>;

    /// Keeps that an attempt failed, and that the next one is not to be made before `until`.
    async fn postpone_push(&self, client_id: &ClientId, failures: u32, until: UnixTime) -> Result<()>;
}
