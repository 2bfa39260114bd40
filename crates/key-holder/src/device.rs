//! Device keys beside the first: bound, cooling off, unbound. Each key holder judges for itself.
//!
//! Against a dishonest citizen's thief (T7) and an insider at issuance (T3): a device that another one brings needs that
//! one's signature here too; and whoever brings it, it opens nothing before this key holder's own cooling-off is over.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::device::{Binding, DeviceApproval, MAX_LIFE, Unbinding};
use cyberid_protocol::message;
use cyberid_protocol::warrant::WarrantRefused;
use cyberid_storage::StorageError;
use cyberid_storage::key_holder::{BoundDevice, DeviceBinding};

use crate::{Gate, KeyHolderError};

impl Gate {
    /// Binds another device key to a record as issuance says, with the approval of a device that is bound to it, or by
    /// fresh evidence, for which issuance vouches. Its consents open nothing before the cooling-off is over that is
    /// configured here, whatever the command says.
    pub async fn bind(&self, compact: &str) -> Result<(), KeyHolderError> {
        let binding: Binding = self.command(compact)?;
        if let Some(approval) = &binding.approval {
            self.check_approval(approval, &binding).await?;
        }
        let cooled_off = self.clock.now().plus(self.device_cooling_off);
        let bound = DeviceBinding {
            subject: binding.subject,
            jkt: binding.device.thumbprint(),
            key: *binding.device.as_sec1(),
            release_from: binding.release_from.max(cooled_off),
        };
        let bound = self.store.bind(&bound).await?;
        bound.then_some(()).ok_or(KeyHolderError::NotDepositable)
    }

    /// Unbinds a device key for good as issuance says. It closes and never opens.
    pub async fn unbind(&self, compact: &str) -> Result<(), KeyHolderError> {
        let unbinding: Unbinding = self.command(compact)?;
        let (subject, device) = (&unbinding.subject, &unbinding.device);
        let jkt = device.thumbprint();
        Ok(self.store.unbind(subject, &jkt, device.as_sec1()).await?)
    }

    /// A device that is bound and cools off still opens nothing, ends nothing and takes no number.
    pub(crate) fn require_cooled_off(&self, bound: &BoundDevice) -> Result<(), WarrantRefused> {
        if bound.release_from > self.clock.now() {
            return Err(WarrantRefused::DeviceCoolingOff);
        }
        Ok(())
    }

    /// The approval of this very key, by a device that is bound to the same record and may release itself.
    async fn check_approval(&self, compact: &str, binding: &Binding) -> Result<(), KeyHolderError> {
        let (approver, claims) = self.approval(compact).await?;
        let now = self.clock.now();
        let for_it = claims.aud == self.anchors.issuer && claims.device_jkt == binding.device.thumbprint();
        if !for_it || approver.0 != binding.subject || approver.1 > now {
            return Err(KeyHolderError::InvalidCommand);
        }
        message::check_life(claims.iat, claims.exp, MAX_LIFE, now).map_err(|_| KeyHolderError::ExpiredCommand)
    }

    /// Whose device signed an approval, since when it may release, and what it says.
    async fn approval(
        &self,
        compact: &str,
    ) -> Result<((SubjectId, UnixTime), DeviceApproval), KeyHolderError> {
        let invalid = |_| KeyHolderError::InvalidCommand;
        let message = message::unverified::<DeviceApproval>(compact).map_err(invalid)?;
        let kid = message.kid().map_err(invalid)?.to_owned();
        let bound = self.store.device(&kid).await?;
        let bound = bound.ok_or(KeyHolderError::InvalidCommand)?;
        let key = PublicKey::from_sec1(&bound.key).map_err(|_| StorageError::Corrupt("device key"))?;
        let claims = message.verify(&key).map_err(invalid)?;
        Ok(((bound.subject, bound.release_from), claims))
    }
}
