//! Relying parties: their registrations, and how often they ask for more than is registered.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_domain::relying_party::RegistrationStatus;

use crate::Result;
use crate::promise::PromisedLeaf;

/// A relying party's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id.
    pub client_id: ClientId,
    /// How often the row was replaced. The store counts.
    pub revision: u64,
    /// The registration, canonical JSON of `cyberid_protocol::registration::Registration`.
    pub registration: String,
    /// What was decided about the registration; never `Expired`, which the clock says and not a store.
    pub status: RegistrationStatus,
    /// The operator who applied for it, or for its renewal.
    pub applied_by: ClientId,
    /// When it was applied for.
    pub applied_at: UnixTime,
    /// When it ends, once approved.
    pub expires_at: Option<UnixTime>,
    /// The signed registration certificates, one per intended use in the registration's order, once approved.
    pub certificates: Vec<String>,
    /// The leaf of the last thing that operators did.
    pub leaf: Option<LeafId>,
    /// Keys that come into force by the clock.
    pub waiting_keys: Option<WaitingKeys>,
    /// A renewal that waits for a second operator.
    pub renewal: Option<WaitingRenewal>,
}

/// Keys that were announced: what is in force with them, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingKeys {
    /// The registration with them.
    pub registration: String,
    /// Its certificates.
    pub certificates: Vec<String>,
    /// From when on.
    pub in_force_at: UnixTime,
}

/// A renewal that was applied for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRenewal {
    /// By whom.
    pub applied_by: ClientId,
    /// When.
    pub applied_at: UnixTime,
    /// What it changes, canonical JSON of `cyberid_protocol::registration::Particulars`; nothing, if absent.
    pub particulars: Option<String>,
    /// For how many days from its approval.
    pub days: u64,
}

impl RelyingParty {
    /// The row as it is at `now`: keys whose time has come are in force, whether anybody has tidied up or not.
    #[must_use]
    pub fn at(self, now: UnixTime) -> Self {
        match self.waiting_keys {
            Some(keys) if keys.in_force_at <= now => Self {
                registration: keys.registration,
                certificates: keys.certificates,
                waiting_keys: None,
                ..self
            },
            waiting_keys => Self { waiting_keys, ..self },
        }
    }

    /// Where the registration stands at `now`.
    pub fn standing(&self, now: UnixTime) -> RegistrationStatus {
        self.status.at(self.expires_at, now)
    }
}

/// Relying parties. Who reads says at which moment, and is given rows as they are then ([`RelyingParty::at`]).
#[async_trait]
pub trait RelyingParties: Send + Sync {
    /// Keeps an application, as revision 0, and nothing that waits; one that is there is not replaced.
    async fn apply(&self, application: &RelyingParty) -> Result<()>;

    /// The relying party of this id.
    async fn relying_party(&self, client_id: &ClientId, now: UnixTime) -> Result<Option<RelyingParty>>;

    /// All relying parties, by id.
    async fn relying_parties(&self, now: UnixTime) -> Result<Vec<RelyingParty>>;

    /// Those who may act at `now`, by id, after this one.
    async fn active(&self, after: Option<&ClientId>, limit: u32, now: UnixTime) -> Result<Vec<RelyingParty>>;

    /// Those whose waiting keys are in force at `now` and not yet written so.
    async fn keys_due(&self, now: UnixTime, limit: u32) -> Result<Vec<RelyingParty>>;

    /// Puts `next` in the place of `was`, as the revision after it, and promises the leaf, in one transaction; `false`,
    /// and nothing written, if the row is no longer of the revision that was read.
    async fn replace(
        &self,
        was: &RelyingParty,
        next: &RelyingParty,
        leaf: Option<&PromisedLeaf>,
    ) -> Result<bool>;

    /// Counts one over-asking.
    async fn count_over_asking(&self, client_id: &ClientId) -> Result<()>;
}
