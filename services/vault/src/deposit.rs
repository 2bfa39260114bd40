//! Keeping the vault's part of a new record.

use cyberid_crypto::base64url;
use cyberid_key_holder::{KeyHolderError, bound_device, distinct_fields};
use cyberid_protocol::deposit::{Deposit, DepositedField};
use cyberid_record::sealed_to;
use cyberid_storage::vault::VaultField;

use crate::Vault;

impl Vault {
    /// Keeps the encrypted fields and shares of a subject that has reserved a person.
    pub(crate) async fn deposit(&self, compact: &str) -> Result<(), KeyHolderError> {
        let deposit: Deposit = self.gate.command(compact)?;
        let fields = distinct_fields(&deposit)?.iter().map(field);
        let fields = fields
            .collect::<Option<Vec<_>>>()
            .ok_or(KeyHolderError::InvalidCommand)?;
        // What is sealed to a key that is not here would be kept and never open.
        let ours =
            |field: &VaultField| sealed_to(&field.share).is_ok_and(|kid| self.key.find(&kid).is_some());
        if !fields.iter().all(ours) {
            return Err(KeyHolderError::InvalidCommand);
        }
        let (device, jkt) = bound_device(&deposit)?;
        let kept = self.store.deposit(&device, &jkt, &fields).await?;
        kept.then_some(()).ok_or(KeyHolderError::NotDepositable)
    }
}

fn field(deposited: &DepositedField) -> Option<VaultField> {
    Some(VaultField {
        field: deposited.field,
        ciphertext: base64url::decode(deposited.ciphertext.as_deref()?)?,
        share: base64url::decode(&deposited.share)?,
    })
}
