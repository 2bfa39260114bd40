//! The vault's store: encrypted fields, the vault's shares, and the keyed blind index.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::key_holder::{BoundDevice, KeyHolderStore};
use crate::seals::ShareSeals;

/// One field as the vault keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultField {
    /// Which field.
    pub field: Field,
    /// The value under a key that needs both shares.
    pub ciphertext: Vec<u8>,
    /// The vault's share, sealed to the vault.
    pub share: Vec<u8>,
}

/// The vault's store. A stolen copy holds ciphertext, and tags under a key that is elsewhere.
#[async_trait]
pub trait VaultStore: KeyHolderStore + ShareSeals {
    /// Reserves a person in the blind index, or says that the tag is taken or cools off. For the same subject again is fine.
    ///
    /// The tag of a confirmed record that is [erased](KeyHolderStore::erase) cools off: it stays without its subject.
    async fn reserve(&self, tag: &[u8; 32], subject: &SubjectId, now: UnixTime) -> Result<bool>;

    /// Keeps who stands in the blind index under one of the older tags under this one from now on; who stands under it
    /// already stays. It is the same person under another key.
    async fn reindex(&self, older: &[[u8; 32]], tag: &[u8; 32]) -> Result<()>;

    /// Keeps the record of a subject that reserved a person; `false` if it did not, or is confirmed, or has
    /// another record. The same record again is fine.
    async fn deposit(&self, device: &BoundDevice, jkt: &str, fields: &[VaultField]) -> Result<bool>;

    /// Reserves the person of `tag` for the subject of the device and keeps its record, in one transaction: `false`, and nothing
    /// written, where [`reserve`](Self::reserve) or [`deposit`](Self::deposit) says so. The same again is fine.
    async fn deposit_reserving(
        &self,
        tag: &[u8; 32],
        now: UnixTime,
        device: (&BoundDevice, &str),
        fields: &[VaultField],
    ) -> Result<bool>;

    /// Counts the cooling-off of tags that have none yet from `today`, the start of a day, and forgets the tags that have
    /// cooled off since `before` or longer; how many.
    async fn cool_off(&self, today: UnixTime, before: UnixTime) -> Result<u64>;

    /// The asked fields of a record, in the order asked; what it does not have is left out.
    async fn fields(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>>;
}
