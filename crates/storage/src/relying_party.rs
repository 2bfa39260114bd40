//! Relying parties: their registrations, and how often they ask for more than is registered.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;

use crate::Result;
use crate::promise::PromisedLeaf;

/// A relying party's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id.
    pub client_id: ClientId,
    /// The registration, canonical JSON of `cyberid_protocol::registration::Registration`.
    pub registration: String,
    /// Where the registration stands.
    pub status: RegistrationStatus,
    /// The operator who applied.
    pub applied_by: ClientId,
    /// When it was applied for.
    pub applied_at: UnixTime,
    /// When it ends, once approved.
    pub expires_at: Option<UnixTime>,
    /// The signed registration certificates, one per intended use in the registration's order, once approved.
    pub certificates: Vec<String>,
}

/// What an approval or a change of keys sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The registration in force.
    pub registration: String,
    /// The certificates in force.
    pub certificates: Vec<String>,
    /// When the registration ends.
    pub expires_at: UnixTime,
}

/// Relying parties.
#[async_trait]
pub trait RelyingParties: Send + Sync {
    /// Keeps an application.
    async fn apply(&self, application: &RelyingParty) -> Result<()>;

    /// The relying party of this id.
    async fn relying_party(&self, client_id: &ClientId) -> Result<Option<RelyingParty>>;

    /// All relying parties, by id.
    async fn relying_parties(&self) -> Result<Vec<RelyingParty>>;

    /// Approves an application, and promises the leaf, in one transaction; `false` if it is not `Applied`.
    async fn approve(&self, client_id: &ClientId, force: &InForce, leaf: &PromisedLeaf) -> Result<bool>;

    /// Suspends an approved relying party, and promises the leaf; `false` if it is not `Approved`.
    async fn suspend(&self, client_id: &ClientId, leaf: &PromisedLeaf) -> Result<bool>;

    /// Changes the keys of an approved relying party, and promises the leaf; `false`, and nothing written, if it is
    /// not `Approved` or its registration is no longer `was`.
    async fn change_keys(
        &self,
        client_id: &ClientId,
        was: &str,
        force: &InForce,
        leaf: &PromisedLeaf,
    ) -> Result<bool>;

    /// Counts one over-asking.
    async fn count_over_asking(&self, client_id: &ClientId) -> Result<()>;
}

/// What the regulator reads of the registry; no method of it writes.
#[async_trait]
pub trait Oversight: Send + Sync {
    /// How often each relying party asked for more than is registered.
    async fn over_asking(&self) -> Result<Vec<(ClientId, u64)>>;
}
