//! The vault's store: encrypted fields, the vault's shares, and the keyed blind index.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::key_holder::{BoundDevice, KeyHolderStore};

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
pub trait VaultStore: KeyHolderStore {
    /// Reserves a person in the blind index, or says that the tag is taken. For the same subject again is fine.
    async fn reserve(&self, tag: &[u8; 32], subject: &SubjectId, now: UnixTime) -> Result<bool>;

    /// Keeps the record of a subject that reserved a person; `false` if it did not, or is confirmed, or has
    /// another record. The same record again is fine.
    async fn deposit(&self, device: &BoundDevice, jkt: &str, fields: &[VaultField]) -> Result<bool>;

    /// The asked fields of a record, in the order asked; what it does not have is left out.
    async fn fields(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>>;
}
