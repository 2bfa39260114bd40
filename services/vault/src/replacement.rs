//! A record's new version: its fields are kept beside those in force, and take their place when issuance says that every
//! custodian has its part too. Custodians change first: in between, what they yield opens the new version.

use std::sync::Arc;

use cyberid_crypto::{Agree, base64url, hpke};
use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_key_holder::{KeyHolderError, distinct};
use cyberid_protocol::deposit::DepositedField;
use cyberid_protocol::replacement::{REPLACEMENT_INFO, StagedVersion, VersionSwitch};
use cyberid_record::sealed_to;
use cyberid_storage::vault::VaultField;
use serde::Serialize;

use crate::Vault;
use crate::error::OpeningError;
use crate::opening::Record;
use crate::reservation::read_person;

impl Vault {
    /// Keeps the fields of a new version, and has the person found by the new document.
    pub(crate) async fn stage(&self, compact: &str) -> Result<(), KeyHolderError> {
        let staged: StagedVersion = self.gate.command(compact)?;
        let tag = self.new_tag(&staged).ok_or(KeyHolderError::InvalidCommand)?;
        let fields = distinct(&staged.fields)?.iter();
        let fields = fields.map(|field| self.field(field)).collect::<Option<Vec<_>>>();
        let fields = fields.ok_or(KeyHolderError::InvalidCommand)?;
        let kept = self
            .replacements
            .stage(&staged.subject, &staged.version, &tag, &fields)
            .await?;
        kept.then_some(()).ok_or(KeyHolderError::NotDepositable)
    }

    /// Puts a staged version into force.
    pub(crate) async fn switch(&self, compact: &str) -> Result<(), KeyHolderError> {
        let switch: VersionSwitch = self.gate.command(compact)?;
        let switched = self.replacements.switch(&switch.subject, &switch.version).await?;
        switched.then_some(()).ok_or(KeyHolderError::NoRecord)
    }

    /// Opens the agreed fields as [`Vault::open_with_custodians`] does. Where what custodians yield belongs to another
    /// version than the one that was read, a replacement is under way: the version beside it is tried, and the one in force
    /// once more.
    pub(crate) async fn open_any_version<B>(
        &self,
        path: &'static str,
        body: &B,
        record: &Record<'_>,
    ) -> Result<Vec<(Field, Personal)>, OpeningError>
    where
        B: Serialize + Clone + Send + Sync + 'static,
    {
        let opened = self.open_with_custodians(path, body, record).await;
        let Err(OpeningError::WrongShares | OpeningError::Vault(KeyHolderError::DoesNotOpen)) = opened else {
            return opened;
        };
        let agreed: Vec<_> = record.kept.iter().map(|kept| kept.field).collect();
        let staged = self.replacements.staged(&record.subject, &agreed).await;
        let in_force = self.store.fields(&record.subject, &agreed).await;
        for kept in [staged, in_force] {
            let kept = kept.map_err(KeyHolderError::from)?;
            if kept.len() == record.kept.len() && kept != record.kept {
                let record = Record {
                    kept: &kept,
                    ..*record
                };
                if let Ok(fields) = self.open_with_custodians(path, body, &record).await {
                    return Ok(fields);
                }
            }
        }
        opened
    }

    fn new_tag(&self, staged: &StagedVersion) -> Option<[u8; 32]> {
        let sealed = base64url::decode(staged.person_sealed.as_deref()?)?;
        let aad = staged.subject.as_bytes();
        // It may have been sealed a moment before a rotation.
        let open = |key: Arc<dyn Agree>| hpke::open(&*key, REPLACEMENT_INFO, aad, &sealed).ok();
        let (kind, number) = read_person(&self.key.all().into_iter().find_map(open)?)?;
        Some(self.tag_of(kind, &number))
    }

    fn field(&self, deposited: &DepositedField) -> Option<VaultField> {
        let share = base64url::decode(&deposited.share)?;
        let ours = sealed_to(&share).is_ok_and(|kid| self.key.find(&kid).is_some());
        ours.then_some(())?;
        Some(VaultField {
            field: deposited.field,
            ciphertext: base64url::decode(deposited.ciphertext.as_deref()?)?,
            share,
        })
    }
}
