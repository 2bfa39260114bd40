//! What vault and custodian both keep: which device key opens which record, which consents were used, and the last
//! checkpoint that was accepted.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;

use crate::Result;

/// A device key that is bound to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundDevice {
    /// The record.
    pub subject: SubjectId,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
    /// The moment from which its consents open anything; zero for the device that the record was deposited with.
    pub release_from: UnixTime,
    /// The commitment to the network number that the record was deposited with; nothing for a record from before there
    /// were such commitments.
    pub number_commitment: Option<[u8; 32]>,
}

/// Another device key for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceBinding {
    /// The record.
    pub subject: SubjectId,
    /// The key's thumbprint.
    pub jkt: String,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
    /// The moment from which its consents open anything.
    pub release_from: UnixTime,
}

/// The last checkpoint that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedCheckpoint {
    /// The size of the log.
    pub size: u64,
    /// The root of the log.
    pub root: [u8; 32],
}

/// A use of a consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentUse {
    /// SHA-256 of the words of the consent or the order, base64url: a signature has a twin.
    pub consent_sha256: String,
    /// SHA-256 of the leaf that it was used for, base64url.
    pub leaf_sha256: String,
    /// The checkpoint that the leaf is under.
    pub checkpoint: RememberedCheckpoint,
    /// When.
    pub time: UnixTime,
}

/// How a use of a consent went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// It had not been used before.
    First,
    /// It had been used for the same leaf: the same answer may be given again.
    Again,
    /// It had been used for another leaf: nothing may be opened.
    ForAnotherLeaf,
    /// Meanwhile a larger checkpoint was accepted: nothing was written; check again against it.
    Overtaken,
}

/// What vault and custodian both keep.
///
/// Whoever edits it can bind a device key of their own to a record at one key holder; the other still refuses.
#[async_trait]
pub trait KeyHolderStore: Send + Sync {
    /// The record that the device key with this thumbprint opens; only confirmed records, and no device that was unbound.
    async fn device(&self, jkt: &str) -> Result<Option<BoundDevice>>;

    /// Binds another device key to a confirmed record. `false`, and nothing written, if there is no such record, the key
    /// is bound to another one, or it was unbound. The same again is fine, and changes nothing.
    async fn bind(&self, binding: &DeviceBinding) -> Result<bool>;

    /// Unbinds a device key from a record for good: one that was never bound cannot be from now on. Again is fine, as is
    /// a record that is not there; what another record is bound to stays.
    async fn unbind(&self, subject: &SubjectId, jkt: &str, key: &[u8; 65]) -> Result<()>;

    /// Commits a confirmed record to another network number, by a word of its holder that was signed at `signed_at`.
    /// `false`, and nothing written, if there is no such record, or a later word changed it. The same again is fine.
    async fn renumber(
        &self,
        subject: &SubjectId,
        number_commitment: &[u8; 32],
        signed_at: UnixTime,
    ) -> Result<bool>;

    /// The last checkpoint that was accepted; nothing before the first.
    async fn remembered(&self) -> Result<Option<RememberedCheckpoint>>;

    /// In one transaction: uses the consent, and remembers the checkpoint if it is larger than the remembered one.
    async fn use_consent(&self, consent: &ConsentUse) -> Result<Used>;

    /// Makes an unconfirmed record permanent; again is fine. `false` if there is none.
    async fn confirm(&self, subject: &SubjectId) -> Result<bool>;

    /// Removes an unconfirmed record with everything of it; a confirmed one stays. Again is fine.
    async fn free(&self, subject: &SubjectId) -> Result<()>;

    /// Removes a record with everything of it, confirmed or not: its shares are in no file of the store afterwards. Which
    /// consents were used stays. Again is fine.
    async fn erase(&self, subject: &SubjectId) -> Result<()>;
}
