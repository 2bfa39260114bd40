//! Keeping the vault's part of a new record, and reserving its person with it.

use cyberid_crypto::base64url;
use cyberid_key_holder::{KeyHolderError, bound_device, distinct_fields};
use cyberid_protocol::deposit::{Deposit, DepositedField};
use cyberid_record::sealed_to;
use cyberid_storage::key_holder::BoundDevice;
use cyberid_storage::vault::VaultField;

use crate::Vault;

/// The vault's part of a new record, with the device that it is bound to.
pub(crate) struct NewRecord {
    pub(crate) device: BoundDevice,
    /// The device key's thumbprint.
    pub(crate) jkt: String,
    pub(crate) fields: Vec<VaultField>,
}

impl Vault {
    /// Keeps the encrypted fields and shares of a subject that has reserved a person, or reserves one with them.
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
        let record = NewRecord { device, jkt, fields };
        let kept = if let Some(person) = &deposit.person_sealed {
            self.deposit_reserving(person, &record).await?
        } else {
            let NewRecord { device, jkt, fields } = &record;
            self.store.deposit(device, jkt, fields).await?
        };
        kept.then_some(()).ok_or(KeyHolderError::NotDepositable)
    }

    async fn deposit_reserving(&self, person: &str, record: &NewRecord) -> Result<bool, KeyHolderError> {
        let subject = &record.device.subject;
        let person = self.person(person, subject);
        let (kind, number) = person.ok_or(KeyHolderError::InvalidCommand)?;
        // Whoever has cooled off by today has.
        self.housekeep().await?;
        self.reserve_person((kind, &number), subject, Some(record)).await
    }
}

fn field(deposited: &DepositedField) -> Option<VaultField> {
    Some(VaultField {
        field: deposited.field,
        ciphertext: base64url::decode(deposited.ciphertext.as_deref()?)?,
        share: base64url::decode(&deposited.share)?,
    })
}
