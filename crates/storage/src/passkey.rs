//! Passkeys: the `WebAuthn` credentials of holders. A credential's id is random and made for this platform alone.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::single_use::SingleUse;

/// How many passkeys a holder may have.
pub const MOST: u32 = 10;

/// A holder's passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The credential's id, 16 to 1023 bytes.
    pub id: Vec<u8>,
    /// Whose it is.
    pub subject: SubjectId,
    /// The credential's key: `04 || x || y`.
    pub key: [u8; 65],
    /// How often it has signed, if it counts.
    pub sign_count: u32,
    /// Whether it may be copied to other devices of its owner.
    pub backup_eligible: bool,
    /// When it was registered.
    pub created_at: UnixTime,
}

/// What became of a new passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is kept from now on.
    Now,
    /// The id is taken, by whomever.
    Taken,
    /// The holder has [`MOST`] of them.
    Full,
}

/// What became of the use of a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// It was used, and its counter went forward or does not count.
    Now,
    /// The subject has no such passkey, or its counter did not go forward.
    Behind,
    /// The attempt was made before.
    Replayed,
}

/// Passkeys, for issuance and verification.
///
/// Whoever edits the table puts their own key in a holder's place: the device key still has to sign.
#[async_trait]
pub trait Passkeys: Send + Sync {
    /// Keeps a new passkey, unless its id is taken or its holder has enough; also of many at once.
    async fn add_passkey(&self, passkey: &Passkey) -> Result<Added>;

    /// All passkeys of a subject, oldest first.
    async fn passkeys(&self, subject: &SubjectId) -> Result<Vec<Passkey>>;

    /// The passkey of this id, if it is this subject's.
    async fn passkey(&self, subject: &SubjectId, id: &[u8]) -> Result<Option<Passkey>>;

    /// In one transaction: uses up the attempt, and moves the counter of this subject's passkey forward to
    /// `sign_count`, which is beyond what it was, or is zero as it always was (`WebAuthn` Level 3, section 7.2, step 22).
    /// The attempt is used up also where there is no such passkey, so that both leave the same trace.
    async fn use_passkey(
        &self,
        subject: &SubjectId,
        id: &[u8],
        sign_count: u32,
        attempt: &SingleUse,
    ) -> Result<Used>;

    /// Forgets a passkey; `false` if the subject has no such one.
    async fn remove_passkey(&self, subject: &SubjectId, id: &[u8]) -> Result<bool>;
}
