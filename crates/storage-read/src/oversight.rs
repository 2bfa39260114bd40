//! What the regulator reads of the registry; no method here writes.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::relying_party::RegistrationStatus;

use crate::Result;

/// A relying party's registration as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverseenParty {
    /// Its id.
    pub client_id: ClientId,
    /// The registration, canonical JSON of `cyberid_protocol::registration::Registration`.
    pub registration: String,
    /// Where it stands.
    pub status: RegistrationStatus,
    /// When it ends, once approved.
    pub expires_at: Option<UnixTime>,
}

/// An erasure that was owed after a withdrawal and is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutstandingErasure {
    /// The release.
    pub release: ReleaseId,
    /// Who owes it.
    pub client_id: ClientId,
    /// By when.
    pub erase_by: UnixTime,
}

/// What the registry knows of one release that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedRelease {
    /// The places of its leaves in the log, oldest first; those that have none yet are left out.
    pub places: Vec<u64>,
    /// What the leaves were made from; nothing once it was erased.
    pub evidence: Option<Evidence>,
}

/// What the leaves of a release were made from: enough to check each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The compact consent.
    pub consent: String,
    /// The compact request object that the holder was shown.
    pub request_object: String,
    /// The salt of the leaves' commitment.
    pub salt: [u8; 32],
    /// The public key that signed the consent, uncompressed (SEC 1, section 2.3.3); nothing once its device is forgotten.
    pub device_key: Option<[u8; 65]>,
}

/// What the regulator reads of the registry; no method of it writes.
#[async_trait]
pub trait Oversight: Send + Sync {
    /// How often each relying party asked for more than is registered, by id.
    async fn over_asking(&self) -> Result<Vec<(ClientId, u64)>>;

    /// All relying parties that were ever applied for, as they stand at `now`, by id, after this one.
    async fn parties(
        &self,
        after: Option<&ClientId>,
        limit: u32,
        now: UnixTime,
    ) -> Result<Vec<OverseenParty>>;

    /// The relying party of this id, as it stands at `now`.
    async fn party(&self, client_id: &ClientId, now: UnixTime) -> Result<Option<OverseenParty>>;

    /// The erasures that are owed and not confirmed, the longest owed first.
    async fn outstanding_erasures(&self) -> Result<Vec<OutstandingErasure>>;

    /// What is known of a release; nothing, if there is none or it was never granted.
    async fn traced(&self, release: &ReleaseId) -> Result<Option<TracedRelease>>;
}
