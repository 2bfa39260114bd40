//! Keeping the custodian's part of a new record.

use cyberid_crypto::base64url;
use cyberid_key_holder::{KeyHolderError, bound_device, distinct_fields};
use cyberid_protocol::deposit::{Deposit, DepositedField};
use cyberid_record::sealed_to;
use cyberid_storage::custodian::CustodianShare;

use crate::Custodian;

impl Custodian {
    /// Keeps the shares of an unconfirmed record.
    pub(crate) async fn deposit(&self, compact: &str) -> Result<(), KeyHolderError> {
        let deposit: Deposit = self.gate.command(compact)?;
        // Who the person is, is nothing to a custodian.
        if deposit.person_sealed.is_some() {
            return Err(KeyHolderError::InvalidCommand);
        }
        let shares = distinct_fields(&deposit)?.iter().map(share);
        let shares = shares.collect::<Result<Vec<_>, _>>()?;
        // What is sealed to a key that is not here would be kept and never open.
        let ours =
            |share: &CustodianShare| sealed_to(&share.share).is_ok_and(|kid| self.key.find(&kid).is_some());
        if !shares.iter().all(ours) {
            return Err(KeyHolderError::InvalidCommand);
        }
        let (device, jkt) = bound_device(&deposit)?;
        let now = self.gate.clock.now();
        let kept = self.store.deposit(&device, &jkt, &shares, now).await?;
        kept.then_some(()).ok_or(KeyHolderError::NotDepositable)
    }
}

/// A share without its ciphertext, which has no place here: beside it, the custodian's key would be half-way to a value.
fn share(deposited: &DepositedField) -> Result<CustodianShare, KeyHolderError> {
    let share = base64url::decode(&deposited.share);
    match (share, &deposited.ciphertext) {
        (Some(share), None) => Ok(CustodianShare {
            field: deposited.field,
            share,
        }),
        _ => Err(KeyHolderError::InvalidCommand),
    }
}
