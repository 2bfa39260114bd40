//! The custodian's store: the other half of every key.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::key_holder::{BoundDevice, KeyHolderStore};
use crate::seals::ShareSeals;

/// One share as the custodian keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodianShare {
    /// Which field.
    pub field: Field,
    /// The custodian's share, sealed to the custodian.
    pub share: Vec<u8>,
}

/// The custodian's store. A stolen copy holds sealed shares of values that are elsewhere.
#[async_trait]
pub trait CustodianStore: KeyHolderStore + ShareSeals {
    /// Keeps an unconfirmed subject's shares; `false` if it has others. The same again is fine.
    async fn deposit(
        &self,
        device: &BoundDevice,
        jkt: &str,
        shares: &[CustodianShare],
        now: UnixTime,
    ) -> Result<bool>;

    /// The asked shares of a record, in the order asked; what it does not have is left out.
    async fn shares(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<CustodianShare>>;
}
