//! Having the key holders bind and unbind devices. A device is bound there before the registry knows it, and the registry
//! forgets a revoked one before the key holders do: what a crash leaves behind closes and never opens.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_protocol::deposit::{KeyHolder, MAX_LIFE};
use cyberid_protocol::device::{Binding, Unbinding};
use cyberid_storage::device::{BeginningDevice, Begun, NewDevice, Unbinding as Due};
use cyberid_storage::subject::{HashedPin, SubjectDevice};

use crate::{DeviceError, EnrolmentError, Issuance};

/// After how many seconds a device that was not added is unbound again: nothing sent for it arrives later.
const UNDO_AFTER: u64 = 2 * (MAX_LIFE + 2 * SKEW);

/// How many keys are unbound in one go.
const AT_ONCE: u32 = 100;

/// A device that is to be bound, with what goes with it.
pub(crate) struct Bound {
    pub(crate) subject: SubjectId,
    pub(crate) device: PublicKey,
    /// What the old device signed.
    pub(crate) approval: Option<String>,
    pub(crate) revoke_others: bool,
    pub(crate) pin: Option<HashedPin>,
    pub(crate) alert: AlertKind,
}

impl Issuance {
    /// Binds a device at both key holders, then adds it; answers since when it may release.
    pub(crate) async fn bind_device(&self, bound: Bound) -> Result<UnixTime, DeviceError> {
        let now = self.now();
        // 4.
        let beginning = BeginningDevice {
            subject: bound.subject,
            jkt: bound.device.thumbprint(),
            key: *bound.device.as_sec1(),
            now,
            undo_at: now.plus(UNDO_AFTER),
            replaces_all: bound.revoke_others,
        };
        match self.parts.devices.begin_device(&beginning).await? {
            Begun::Now => {}
            Begun::Taken | Begun::Full => return Err(DeviceError::Unacceptable),
        }
        // 5.
        let release_from = now.plus(self.parts.device_cooling_off);
        for aud in [KeyHolder::Custodian, KeyHolder::Vault] {
            self.bind_with(aud, &bound, release_from).await?;
        }
        // 6.
        let new = NewDevice {
            subject: bound.subject,
            device: SubjectDevice {
                jkt: beginning.jkt,
                key: beginning.key,
                bound_at: self.now(),
            },
            release_from,
            revoke_others: bound.revoke_others,
            pin: bound.pin,
            alert: bound.alert,
        };
        if !self.parts.devices.add_device(&new).await? {
            return Err(DeviceError::Unacceptable);
        }
        if bound.revoke_others
            && let Err(error) = self.unbind_due().await
        {
            tracing::warn!(%error, "a key holder has not unbound a revoked device yet; it will");
        }
        Ok(release_from)
    }

    /// Has both key holders unbind what was revoked, or begun and never added. Each is told, whatever the other says.
    pub(crate) async fn unbind_due(&self) -> Result<(), EnrolmentError> {
        // 8.
        for due in self.parts.devices.unbindings_due(self.now(), AT_ONCE).await? {
            let (custodian, vault) = tokio::join!(
                self.unbind_with(KeyHolder::Custodian, &due),
                self.unbind_with(KeyHolder::Vault, &due),
            );
            custodian.and(vault)?;
            self.parts.devices.end_unbinding(&due.jkt).await?;
        }
        Ok(())
    }

    async fn bind_with(
        &self,
        aud: KeyHolder,
        bound: &Bound,
        release_from: UnixTime,
    ) -> Result<(), DeviceError> {
        let (iat, exp) = self.command_life();
        let command = self.command(&Binding {
            aud,
            subject: bound.subject,
            device: bound.device,
            approval: bound.approval.clone(),
            release_from,
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })?;
        Ok(self.tell(aud, "/v1/bindings", &command).await?)
    }

    async fn unbind_with(&self, aud: KeyHolder, due: &Due) -> Result<(), EnrolmentError> {
        let device = PublicKey::from_sec1(&due.key);
        let device = device.map_err(|_| cyberid_storage::StorageError::Corrupt("device key"))?;
        let (iat, exp) = self.command_life();
        let command = self.command(&Unbinding {
            aud,
            subject: due.subject,
            device,
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })?;
        Ok(self.tell(aud, "/v1/unbindings", &command).await?)
    }
}
