//! The journal of visits that law asks for: sealed, expiring, under tags that only the holder's own reading can probe.

use async_trait::async_trait;
use cyberid_domain::UnixTime;

use crate::Result;

/// The record of one visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The start of its day, UTC.
    pub day: UnixTime,
    /// A keyed tag; neither it nor an index relates a person to a relying party, or two visits to each other.
    pub tag: [u8; 16],
    /// The sealed record.
    pub sealed: Vec<u8>,
}

/// The journal of visits. Visits are written with the proof they belong to, by
/// [`crate::verification::Verifications`].
#[async_trait]
pub trait Journal: Send + Sync {
    /// The sealed records under this tag of this day.
    async fn visits(&self, day: UnixTime, tag: &[u8; 16]) -> Result<Vec<Vec<u8>>>;

    /// Removes the days before `before`.
    async fn forget_visits(&self, before: UnixTime) -> Result<u64>;
}
