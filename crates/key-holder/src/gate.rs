//! The gate of one key holder: issuance's commands pass it by their signature, a warrant by all that is in it.

use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_domain::Clock;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::deposit::{KeyHolder, Outcome, Settlement};
use cyberid_protocol::warrant::{
    Anchors, CheckedWarrant, Remembered, RememberedSize, Warrant, WarrantRefused,
};
use cyberid_storage::StorageError;
use cyberid_storage::key_holder::{ConsentUse, KeyHolderStore, RememberedCheckpoint, Used};
use cyberid_tlog::hash::Hash;

use crate::command::{self, Command};
use crate::error::KeyHolderError;

/// How often a warrant is checked again because another release went ahead.
const ATTEMPTS: usize = 3;

/// The gate of one key holder.
pub struct Gate {
    /// Which of the two this is.
    pub holder: KeyHolder,
    /// What this key holder trusts about the ledger, from its own configuration.
    pub anchors: Anchors,
    /// The key whose commands it follows, from its own configuration.
    pub enrolment_key: PublicKey,
    /// Its own store.
    pub store: Arc<dyn KeyHolderStore>,
    /// Its own clock.
    pub clock: Arc<dyn Clock>,
}

/// A warrant that was checked and whose consent was used: what opening takes. Only [`Gate::admit`] makes one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Admitted {
    /// The record that the consenting device is bound to in this key holder's own store.
    pub subject: SubjectId,
    /// The warrant.
    pub warrant: CheckedWarrant,
}

impl Gate {
    /// Reads a command that issuance signed for this key holder.
    pub fn command<C: Command>(&self, compact: &str) -> Result<C, KeyHolderError> {
        command::open(compact, &self.enrolment_key, self.holder, self.clock.now())
    }

    /// Settles an enrolment as issuance says.
    pub async fn settle(&self, compact: &str) -> Result<(), KeyHolderError> {
        let settlement: Settlement = self.command(compact)?;
        match settlement.outcome {
            Outcome::Confirmed if self.store.confirm(&settlement.subject).await? => Ok(()),
            Outcome::Confirmed => Err(KeyHolderError::NoRecord),
            Outcome::Freed => Ok(self.store.free(&settlement.subject).await?),
        }
    }

    /// From which size a consistency proof to this key holder has to start.
    pub async fn remembered_size(&self) -> Result<RememberedSize, KeyHolderError> {
        let size = self.remembered().await?.size;
        Ok(RememberedSize { size })
    }

    /// Checks the whole warrant and uses its consent, once for one leaf. Nothing may open before this.
    pub async fn admit(&self, warrant: &Warrant) -> Result<Admitted, KeyHolderError> {
        let jkt = warrant.device_jkt()?;
        let bound = self.store.device(&jkt).await?;
        let bound = bound.ok_or(WarrantRefused::UnknownDevice)?;
        let device = PublicKey::from_sec1(&bound.key).map_err(|_| StorageError::Corrupt("device key"))?;
        for _ in 0..ATTEMPTS {
            let checked = self.check(warrant, &device).await?;
            match self.store.use_consent(&self.consent_use(&checked)).await? {
                Used::First | Used::Again => {
                    return Ok(Admitted {
                        subject: bound.subject,
                        warrant: checked,
                    });
                }
                Used::ForAnotherLeaf => return Err(WarrantRefused::ConsentUsed.into()),
                Used::Overtaken => {}
            }
        }
        Err(KeyHolderError::Overtaken)
    }

    async fn check(&self, warrant: &Warrant, device: &PublicKey) -> Result<CheckedWarrant, KeyHolderError> {
        let remembered = self.remembered().await?;
        let now = self.clock.now();
        Ok(warrant.check(self.holder, &self.anchors, device, remembered, now)?)
    }

    async fn remembered(&self) -> Result<Remembered, KeyHolderError> {
        let remembered = self.store.remembered().await?;
        Ok(
            remembered.map_or_else(Remembered::default, |checkpoint| Remembered {
                size: checkpoint.size,
                root: Hash(checkpoint.root),
            }),
        )
    }

    fn consent_use(&self, checked: &CheckedWarrant) -> ConsentUse {
        ConsentUse {
            consent_sha256: checked.consent_sha256.clone(),
            leaf_sha256: checked.leaf_sha256.clone(),
            checkpoint: RememberedCheckpoint {
                size: checked.checkpoint.size,
                root: *checked.checkpoint.root.as_bytes(),
            },
            time: self.clock.now(),
        }
    }
}
