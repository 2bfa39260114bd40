//! The holder's devices: added by one of them, listed, revoked. The numbers in comments are those of
//! `docs/cycles/devices.md`.

use std::sync::Arc;

use cyberid_crypto::{PublicKey, jwe};
use cyberid_domain::device::AlertKind;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::SubjectStatus;
use cyberid_pin::Candidate;
use cyberid_protocol::device::{
    AlertView, Alerts, DeviceAdded, DeviceApproval, DeviceView, Devices, MAX_LIFE, SealedDevice,
};
use cyberid_protocol::message::{self, NotNow};
use cyberid_storage::device::{Alert, KnownDevice, ListedDevice, Revoked};
use cyberid_storage::subject::Subject;
use cyberid_web::scrub::Scrubbed;
use zeroize::Zeroizing;

use crate::binding::Bound;
use crate::{DeviceError, Issuance};

impl Issuance {
    /// Adds a device with the word of the device `jkt` and the PIN. It runs to its end even when the caller goes away.
    pub(crate) async fn add_device(
        self: &Arc<Self>,
        jkt: String,
        sealed: String,
    ) -> Result<DeviceAdded, DeviceError> {
        let issuance = Arc::clone(self);
        tokio::spawn(Scrubbed::new(async move {
            issuance.add_device_here(&jkt, &sealed).await
        }))
        .await
        .map_err(|_| crate::EnrolmentError::Stopped)?
    }

    async fn add_device_here(&self, jkt: &str, sealed: &str) -> Result<DeviceAdded, DeviceError> {
        // 3.
        let SealedDevice {
            key_proof,
            approval,
            pin,
        } = SealedDevice::read(&self.unseal(sealed)?).map_err(|_| DeviceError::Message)?;
        let subject = self.acting(jkt).await?;
        self.require_cooled_off(jkt).await?;
        let device = self.take_key_proof(&key_proof)?;
        self.check_approval(&approval, &subject, &device)?;
        self.require_device_pin(&subject, &pin).await?;
        // 4. 5. 6.
        let bound = Bound {
            subject: subject.subject,
            device,
            approval: Some(approval),
            revoke_others: false,
            pin: None,
            alert: AlertKind::DeviceAdded,
        };
        let release_from = self.bind_device(bound).await?;
        Ok(DeviceAdded {
            thumbprint: device.thumbprint(),
            release_from,
        })
    }

    /// The devices of the holder of the device key `jkt`.
    pub(crate) async fn devices(&self, jkt: &str) -> Result<Devices, DeviceError> {
        let subject = self.acting(jkt).await?.subject;
        let now = self.now();
        let view = |listed: ListedDevice| DeviceView {
            this: listed.device.jkt == jkt,
            thumbprint: listed.device.jkt,
            bound_at: listed.device.bound_at,
            release_from: Some(listed.release_from).filter(|from| *from > now),
        };
        let listed = self.parts.devices.listed_devices(&subject).await?;
        Ok(Devices {
            devices: listed.into_iter().map(view).collect(),
        })
    }

    /// What the holder of the device key `jkt` was told; of a death too, which may be a mistake.
    pub(crate) async fn alerts(&self, jkt: &str) -> Result<Alerts, DeviceError> {
        let told = |status| lives(status) || status == SubjectStatus::Deceased;
        let subject = self.parts.subjects.by_device(jkt).await?;
        let subject = subject.filter(|subject| told(subject.status));
        let subject = subject.ok_or(DeviceError::NotFound)?.subject;
        let view = |alert: Alert| AlertView {
            time: alert.time,
            kind: alert.kind,
            device: alert.device,
        };
        let alerts = self.parts.devices.alerts(&subject).await?;
        Ok(Alerts {
            alerts: alerts.into_iter().map(view).collect(),
        })
    }

    /// Revokes one of the holder's devices, at once and for good, on the word of another one or of itself.
    pub(crate) async fn revoke_device(&self, jkt: &str, revoked: &str) -> Result<(), DeviceError> {
        let subject = self.acting(jkt).await?.subject;
        if revoked != jkt {
            // A thief's fresh device does not drive out the holder's.
            self.require_cooled_off(jkt).await?;
        }
        let devices = &self.parts.devices;
        match devices.revoke_device(&subject, revoked, self.now()).await? {
            Revoked::Now => {}
            Revoked::NotThere => return Err(DeviceError::NotFound),
            Revoked::Last => return Err(DeviceError::Last),
            Revoked::Ending => return Err(DeviceError::Ending),
        }
        // From here on nobody believes the device; the key holders are told now, or by housekeeping.
        if let Err(error) = self.unbind_due().await {
            tracing::warn!(%error, "a key holder has not unbound a revoked device yet; it will");
        }
        Ok(())
    }

    /// Whoever the device key `jkt` belongs to, while their identifier lives.
    pub(crate) async fn acting(&self, jkt: &str) -> Result<Subject, DeviceError> {
        let subject = self.parts.subjects.by_device(jkt).await?;
        let subject = subject.filter(|subject| lives(subject.status));
        subject.ok_or(DeviceError::NotFound)
    }

    /// A device that cools off acts for itself only.
    async fn require_cooled_off(&self, jkt: &str) -> Result<(), DeviceError> {
        let known = self.parts.devices.known_device(jkt).await?;
        let KnownDevice { release_from, .. } = known.ok_or(DeviceError::NotFound)?;
        if release_from > self.now() {
            return Err(DeviceError::CoolingOff { release_from });
        }
        Ok(())
    }

    /// Whether the old device agreed to this very key, here and now.
    fn check_approval(
        &self,
        compact: &str,
        subject: &Subject,
        device: &PublicKey,
    ) -> Result<(), DeviceError> {
        let key = PublicKey::from_sec1(&subject.device.key).map_err(|_| DeviceError::Message)?;
        let approval: DeviceApproval = message::open(compact, &key).map_err(|_| DeviceError::Message)?;
        if approval.aud != self.parts.issuer || approval.device_jkt != device.thumbprint() {
            return Err(DeviceError::Message);
        }
        message::check_life(approval.iat, approval.exp, MAX_LIFE, self.now()).map_err(|why| match why {
            NotNow::TooLong => DeviceError::Message,
            NotNow::Expired | NotNow::Future => DeviceError::Expired,
        })
    }

    pub(crate) async fn require_device_pin(&self, subject: &Subject, pin: &Pin) -> Result<(), DeviceError> {
        let candidate = Candidate {
            subject: &subject.subject,
            jkt: &subject.device.jkt,
            known: true,
        };
        let holds = self.pin_attempts.try_pin(candidate, pin, self.now()).await?;
        holds.then_some(()).ok_or(DeviceError::Pin)
    }

    /// What a holder sealed to the platform.
    pub(crate) fn unseal(&self, sealed: &str) -> Result<Zeroizing<Vec<u8>>, DeviceError> {
        let sealed = jwe::Sealed::parse(sealed).map_err(|_| DeviceError::Message)?;
        let keys = &self.parts.message_key;
        let key = match sealed.kid() {
            Some(kid) => keys.find(kid).ok_or(DeviceError::Message)?,
            None => keys.current(),
        };
        sealed.open(&*key).map_err(|_| DeviceError::Message)
    }
}

/// Whether the holder still acts: a suspended one may do what brings them back.
pub(crate) fn lives(status: SubjectStatus) -> bool {
    use SubjectStatus as S;
    matches!(status, S::Active | S::Suspended | S::Expired)
}
