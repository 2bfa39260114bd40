//! Verifications that a relying party asked for and polls.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{ClientId, Nonce, VerificationId};

use crate::Result;
use crate::journal::Visit;
use crate::single_use::SingleUse;

/// A verification's row. It names no person; it goes when it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The id.
    pub id: VerificationId,
    /// Who asks.
    pub client_id: ClientId,
    /// The registered purpose.
    pub purpose: String,
    /// The checks.
    pub checks: Vec<Check>,
    /// The factors.
    pub factors: Vec<Factor>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// The pseudonym that `same_person` compares with.
    pub sub: Option<String>,
    /// When it was asked.
    pub created_at: UnixTime,
    /// Until when it can be answered.
    pub expires_at: UnixTime,
    /// The answer.
    pub state: VerificationState,
}

/// Where a verification stands in the store. `Expired` is derived from the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationState {
    /// Not answered.
    Pending,
    /// Every check passed.
    Passed {
        /// The attestation.
        attestation: String,
    },
    /// Some check failed.
    Failed {
        /// The attestation.
        attestation: String,
    },
    /// The holder refused.
    Declined,
}

/// How a durable answer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is durable.
    Now,
    /// The request was answered before, or is over: nothing was written.
    Closed,
    /// The proof was used before: nothing was written.
    Replayed,
}

/// Verifications.
#[async_trait]
pub trait Verifications: Send + Sync {
    /// Keeps a pending verification.
    async fn ask(&self, verification: &Verification) -> Result<()>;

    /// The verification of this id.
    async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>>;

    /// In one transaction: consumes the proof, keeps the visit, and concludes a pending verification that has not
    /// expired at `now`. `visit` is absent when the answer is `Declined`.
    async fn conclude(
        &self,
        id: &VerificationId,
        state: &VerificationState,
        proof: Option<&SingleUse>,
        visit: Option<&Visit>,
        now: UnixTime,
    ) -> Result<Answered>;

    /// In one transaction: consumes a direct proof and keeps the visit.
    async fn conclude_direct(&self, proof: &SingleUse, visit: &Visit) -> Result<Answered>;

    /// Removes what expired before `before`.
    async fn forget_verifications(&self, before: UnixTime) -> Result<u64>;
}
