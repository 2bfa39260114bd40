//! The gate of one key holder: issuance's commands pass it by their signature, a warrant by all that is in it.

use std::sync::Arc;

use cyberid_crypto::{PublicKey, base64url};
use cyberid_domain::Clock;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::cancellation::Cancellation;
use cyberid_protocol::deposit::{KeyHolder, MOST_OTHERS, Outcome, Settlement};
use cyberid_protocol::message;
use cyberid_protocol::official::{Authorities, BoundRecord, CheckedOfficial, OfficialWarrant};
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
    /// The authorities whose officers may order an official access, from its own configuration.
    pub authorities: Authorities,
    /// The key whose commands it follows, from its own configuration.
    pub enrolment_key: PublicKey,
    /// For how many seconds after it was bound a device beside the first opens nothing here, from its own configuration.
    pub device_cooling_off: u64,
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

/// A warrant of an official access that was checked and whose order was used: what opening takes. Only
/// [`Gate::admit_official`] makes one.
#[derive(Debug)]
#[non_exhaustive]
pub struct AdmittedOfficial {
    /// The record that the order names, in this key holder's own store.
    pub subject: SubjectId,
    /// The warrant.
    pub warrant: CheckedOfficial,
}

impl Gate {
    /// Reads a command that issuance signed for this key holder.
    pub fn command<C: Command>(&self, compact: &str) -> Result<C, KeyHolderError> {
        command::open(compact, &self.enrolment_key, self.holder, self.clock.now())
    }

    /// Settles enrolments as issuance says. One whose record is missing hinders no other, and is what is answered.
    pub async fn settle(&self, compact: &str) -> Result<(), KeyHolderError> {
        let settlement: Settlement = self.command(compact)?;
        if settlement.others.len() > MOST_OTHERS {
            return Err(KeyHolderError::InvalidCommand);
        }
        let mut missing = false;
        for subject in settlement.others.iter().chain([&settlement.subject]) {
            match settlement.outcome {
                Outcome::Confirmed => missing |= !self.store.confirm(subject).await?,
                Outcome::Freed => self.store.free(subject).await?,
            }
        }
        if missing {
            Err(KeyHolderError::NoRecord)
        } else {
            Ok(())
        }
    }

    /// Destroys the record of the holder who signed this cancellation, and nothing of anybody else's: not issuance, but
    /// a device key that is bound to the record and has cooled off has to say so, or issuance could bind one and destroy
    /// whom it likes at once. It is final, so that its age does not matter; where no such record is left there is nothing
    /// to do.
    pub async fn erase(&self, compact: &str) -> Result<(), KeyHolderError> {
        let message =
            message::unverified::<Cancellation>(compact).map_err(|_| KeyHolderError::InvalidCommand)?;
        let kid = message
            .kid()
            .map_err(|_| KeyHolderError::InvalidCommand)?
            .to_owned();
        let Some(bound) = self.store.device(&kid).await? else {
            return Ok(());
        };
        let device = PublicKey::from_sec1(&bound.key).map_err(|_| StorageError::Corrupt("device key"))?;
        let claims: Cancellation = message
            .verify(&device)
            .map_err(|_| KeyHolderError::InvalidCommand)?;
        if claims.aud != self.anchors.issuer {
            return Err(KeyHolderError::InvalidCommand);
        }
        self.require_cooled_off(&bound)?;
        Ok(self.store.erase(&bound.subject).await?)
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
        self.require_cooled_off(&bound)?;
        let device = PublicKey::from_sec1(&bound.key).map_err(|_| StorageError::Corrupt("device key"))?;
        for _ in 0..ATTEMPTS {
            let checked = self.check(warrant, &device).await?;
            let (name, leaf) = (&checked.consent_words_sha256, &checked.leaf_sha256);
            if self.use_once(name, leaf, checked.checkpoint).await? {
                return Ok(Admitted {
                    subject: bound.subject,
                    warrant: checked,
                });
            }
        }
        Err(KeyHolderError::Overtaken)
    }

    /// Checks the whole warrant of an official access and uses its order, once for one leaf. Nothing may open before.
    pub async fn admit_official(
        &self,
        warrant: &OfficialWarrant,
    ) -> Result<AdmittedOfficial, KeyHolderError> {
        let bound = self.store.device(&warrant.device_jkt).await?;
        let bound = bound.ok_or(WarrantRefused::UnknownDevice)?;
        let commitment = bound
            .number_commitment
            .map(|commitment| base64url::encode(&commitment));
        let record = BoundRecord {
            number_commitment: commitment.as_deref(),
        };
        for _ in 0..ATTEMPTS {
            let (remembered, now) = (self.remembered().await?, self.clock.now());
            let (holder, anchors) = (self.holder, &self.anchors);
            let checked = warrant.check(holder, anchors, &self.authorities, record, remembered, now)?;
            let (name, leaf) = (&checked.order_sha256, &checked.leaf_sha256);
            if self.use_once(name, leaf, checked.checkpoint).await? {
                return Ok(AdmittedOfficial {
                    subject: bound.subject,
                    warrant: checked,
                });
            }
        }
        Err(KeyHolderError::Overtaken)
    }

    /// Uses a consent or an order, which is named first, for a leaf; `false` if a larger checkpoint came meanwhile.
    async fn use_once(&self, name: &str, leaf: &str, checkpoint: Remembered) -> Result<bool, KeyHolderError> {
        let using = ConsentUse {
            consent_sha256: name.into(),
            leaf_sha256: leaf.into(),
            checkpoint: RememberedCheckpoint {
                size: checkpoint.size,
                root: *checkpoint.root.as_bytes(),
            },
            time: self.clock.now(),
        };
        match self.store.use_consent(&using).await? {
            Used::First | Used::Again => Ok(true),
            Used::ForAnotherLeaf => Err(WarrantRefused::ConsentUsed.into()),
            Used::Overtaken => Ok(false),
        }
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
}
