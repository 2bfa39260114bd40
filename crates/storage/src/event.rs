//! Events that a relying party is told.

use async_trait::async_trait;
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
