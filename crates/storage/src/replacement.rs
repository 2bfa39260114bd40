//! A record's new version at a key holder: kept beside the old one until both key holders have it, then in its place.

use async_trait::async_trait;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, SubjectId};

use crate::Result;
use crate::custodian::CustodianShare;
use crate::vault::VaultField;

/// New versions at the vault.
#[async_trait]
pub trait VaultReplacements: Send + Sync {
    /// Keeps a new version of a confirmed record beside the one in force, in the place of another that was kept beside it,
    /// and gives the person this tag in the blind index. `false`, and nothing written, if there is no confirmed record, or
    /// the tag is somebody else's. Again is fine, also once it is in force.
    async fn stage(
        &self,
        subject: &SubjectId,
        version: &Nonce,
        tag: &[u8; 32],
        fields: &[VaultField],
    ) -> Result<bool>;

    /// The asked fields of the version beside the one in force, in the order asked.
    async fn staged(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>>;

    /// Puts a version into force; the old one is in no file of the store afterwards. `false` if there is no such version.
    /// Again is fine.
    async fn switch(&self, subject: &SubjectId, version: &Nonce) -> Result<bool>;
}

/// New versions at the custodian.
#[async_trait]
pub trait CustodianReplacements: Send + Sync {
    /// Keeps new shares of a confirmed record beside those in force, in the place of others that were kept beside them.
    /// `false`, and nothing written, if there is no confirmed record. Again is fine, also once they are in force.
    async fn stage(&self, subject: &SubjectId, version: &Nonce, shares: &[CustodianShare]) -> Result<bool>;

    /// Puts a version into force; the old one is in no file of the store afterwards. `false` if there is no such version.
    /// Again is fine.
    async fn switch(&self, subject: &SubjectId, version: &Nonce) -> Result<bool>;
}
