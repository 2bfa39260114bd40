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
    /// The keyed tag of the device that opened it, so that no row relates a device to a relying party.
    pub opener: Option<[u8; 16]>,
    /// A guardian of the opener has agreed.
    pub guardian_agreed: bool,
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

/// How asking went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is durable, or was before.
    Now,
    /// As many as are kept at once are kept already, or as many of this relying party as leave others room: nothing was
    /// written.
    Full,
}

/// How opening went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is this opener's, now or since an earlier call.
    Now,
    /// Another device opened it first: nothing was written.
    Another,
    /// It is unknown, answered or over: nothing was written.
    Closed,
}

/// How a durable answer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is durable.
    Now,
    /// The request is unknown, was answered before, or is over: nothing was written.
    Closed,
    /// The proof was used before: nothing was written.
    Replayed,
    /// Another device opened the request: nothing was written.
    Another,
}

/// Verifications. What is told of one is durable: a reader never sees what a loss of power could take back.
#[async_trait]
pub trait Verifications: Send + Sync {
    /// Keeps a pending verification; one that is kept under its id already stays as it is.
    async fn ask(&self, verification: &Verification) -> Result<Kept>;

    /// The verification of this id.
    async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>>;

    /// Gives a pending verification that has not expired at `now` to its first opener. Of several that call at once,
    /// one is the first, and the others are told so, maybe before it is durable.
    async fn open(&self, id: &VerificationId, opener: &[u8; 16], now: UnixTime) -> Result<Opened>;

    /// Records that a guardian of the opener agreed: `true`, now or again, while the verification is opened, pending
    /// and not expired at `now`.
    async fn agree(&self, id: &VerificationId, now: UnixTime) -> Result<bool>;

    /// Those that are opened, pending, not expired at `now`, and that no guardian has agreed to: whether their opener needs
    /// one is not known here.
    async fn awaiting_guardian(&self, now: UnixTime) -> Result<Vec<Verification>>;

    /// In one transaction: consumes the proof, keeps the visit, and concludes a pending verification that has not
    /// expired at `now`. An opener answers what it opened, or what nobody opened yet, which it opens thereby.
    /// `opener` is absent only when what nobody opened is declined; `visit` is absent when the answer is `Declined`.
    async fn conclude(
        &self,
        id: &VerificationId,
        state: &VerificationState,
        opener: Option<&[u8; 16]>,
        proof: Option<&SingleUse>,
        visit: Option<&Visit>,
        now: UnixTime,
    ) -> Result<Answered>;

    /// In one transaction: consumes a direct proof and keeps the visit.
    async fn conclude_direct(&self, proof: &SingleUse, visit: &Visit) -> Result<Answered>;

    /// Removes what expired before `before`.
    async fn forget_verifications(&self, before: UnixTime) -> Result<u64>;
}
