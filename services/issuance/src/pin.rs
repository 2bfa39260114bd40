//! A new PIN, by the old one and a device.

use cyberid_domain::device::AlertKind;
use cyberid_protocol::device::SealedPinChange;

use crate::reproof::chosen;
use crate::{DeviceError, Issuance};

impl Issuance {
    /// Changes the PIN of the holder of the device key `jkt`, who knows the old one. An attempt at the old one counts as any
    /// other does.
    pub(crate) async fn change_pin(&self, jkt: &str, sealed: &str) -> Result<(), DeviceError> {
        let SealedPinChange { pin, new_pin } =
            SealedPinChange::read(&self.unseal(sealed)?).map_err(|_| DeviceError::Message)?;
        let new_pin = chosen(&new_pin)?;
        let subject = self.acting(jkt).await?;
        self.require_device_pin(&subject, &pin).await?;
        let hashed = self.parts.pins.hash(&new_pin, &*self.parts.rng).await?;
        self.set_pin(&subject.subject, &hashed, AlertKind::PinChanged, jkt)
            .await
    }
}
