//! The shares of a key holder by the keys that they are sealed to: what sealing them anew needs.
//!
//! A sealed share begins with the thumbprint of the key that it is sealed to, 32 bytes.

use async_trait::async_trait;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;

use crate::Result;

/// Where a share stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareRow {
    /// The record.
    pub subject: SubjectId,
    /// The field.
    pub field: Field,
}

/// A share as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedShare {
    /// Where it stands.
    pub row: ShareRow,
    /// The share, sealed.
    pub share: Vec<u8>,
}

/// A share that was sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResealedShare {
    /// As it was read.
    pub old: SealedShare,
    /// As it is to be kept.
    pub new: Vec<u8>,
}

/// The shares of a key holder by the keys that they are sealed to.
///
/// How far a key holder has come with sealing anew stands in the shares themselves: whoever goes on after a crash asks
/// again what is sealed to the old key. Whoever edits them makes fields unreadable, and reads none.
#[async_trait]
pub trait ShareSeals: Send + Sync {
    /// The thumbprints of all keys that a share is sealed to, without counting shares.
    async fn seal_keys(&self) -> Result<Vec<[u8; 32]>>;

    /// How many shares are sealed to this key, those of unconfirmed records and of versions that are not in force yet among
    /// them.
    async fn sealed_to(&self, key: &[u8; 32]) -> Result<u64>;

    /// Confirmed records' shares that are sealed to this key, at most `limit`, in the order of their rows, from the one
    /// after `after`. An unconfirmed record is left alone: its deposit may still be repeated as it was.
    async fn next_sealed_to(
        &self,
        key: &[u8; 32],
        after: Option<ShareRow>,
        limit: u32,
    ) -> Result<Vec<SealedShare>>;

    /// In one transaction: keeps the new seals of those shares that stand as they were read; how many. What was erased
    /// or changed meanwhile stays as it is. The old seals are in no file of the store afterwards.
    async fn reseal(&self, shares: &[ResealedShare]) -> Result<u64>;
}
