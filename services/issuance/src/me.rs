//! What a holder sees of their own identifier.

use cyberid_domain::age::Threshold;
use cyberid_protocol::enrolment::{Device, Me};
use cyberid_storage::StorageError;
use cyberid_storage::counter::Keyed;

use crate::Issuance;

impl Issuance {
    /// What the holder of the device key `jkt` sees, whatever the identifier's status; nothing if the key is bound to
    /// nobody.
    pub(crate) async fn me(&self, jkt: &str) -> Result<Option<Me>, StorageError> {
        let keyed = self.parts.subjects.by_key(jkt).await?;
        let Some(subject) = keyed.and_then(Keyed::usable) else {
            return Ok(None);
        };
        let devices = self.parts.devices.listed_devices(&subject.subject).await?;
        let devices = devices.into_iter().map(|listed| listed.device);
        let reasons = self.parts.lives.suspensions(&subject.subject).await?;
        let reached = Threshold::ALL
            .into_iter()
            .filter(|age| subject.age_flags.has(*age));
        Ok(Some(Me {
            network_number: subject.number,
            status: subject.status,
            suspended_for: reasons.into_iter().map(|it| it.reason).collect(),
            devices: devices
                .map(|device| Device {
                    thumbprint: device.jkt,
                    bound_at: device.bound_at,
                })
                .collect(),
            credential_expires_at: subject.credential_expires_at,
            age_over: reached.map(Threshold::years).collect(),
        }))
    }
}
