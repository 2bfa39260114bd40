//! Devices beside the first: one that another device approves, or that fresh evidence brings; the commands by which
//! issuance has vault and custodian bind and unbind them; and what a holder is told of all that.

use cyberid_crypto::{KeyFailure, PublicKey, json, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::SubjectStatus;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::deposit::KeyHolder;
use crate::enrolment::{Document, Evidence};
use crate::message::Message;

/// The longest life of an approval in seconds.
pub const MAX_LIFE: u64 = 300;

/// The claims by which one device agrees to another; `kid` is the agreeing device's key. Vault and custodian check it
/// themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceApproval {
    /// The platform's issuer.
    pub aud: String,
    /// The thumbprint of the new device's key.
    pub device_jkt: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it.
    pub jti: Nonce,
}

impl Message for DeviceApproval {
    const TYP: &'static str = "cyberid-device-approval+jwt";
}

/// The body of `POST /v1/me/devices`, `/v1/me/pin` and `/v1/me/pin-resets`: sealed, because a PIN is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedBody {
    /// What is sealed to the platform.
    pub sealed: String,
}

/// A sealed new device.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedDevice {
    /// The new device's proof of its key, as for an enrolment.
    pub key_proof: String,
    /// The old device's approval.
    pub approval: String,
    /// The holder's PIN: the old device alone adds none.
    pub pin: Pin,
}

/// A sealed change of PIN.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPinChange {
    /// The PIN until now.
    pub pin: Pin,
    /// The PIN from now on.
    pub new_pin: Pin,
}

impl SealedDevice {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals a new device to the platform.
    pub fn seal(
        platform: &PublicKey,
        key_proof: &str,
        approval: &str,
        pin: &Pin,
    ) -> Result<String, KeyFailure> {
        // Compact JWS and eight digits need no escaping.
        let pin = pin.expose();
        let body = Zeroizing::new(format!(
            r#"{{"key_proof":"{key_proof}","approval":"{approval}","pin":"{pin}"}}"#
        ));
        jwe::seal(platform, "json", body.as_bytes())
    }
}

impl SealedPinChange {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals a change of PIN to the platform.
    pub fn seal(platform: &PublicKey, pin: &Pin, new_pin: &Pin) -> Result<String, KeyFailure> {
        let (pin, new_pin) = (pin.expose(), new_pin.expose());
        let body = Zeroizing::new(format!(r#"{{"pin":"{pin}","new_pin":"{new_pin}"}}"#));
        jwe::seal(platform, "json", body.as_bytes())
    }
}

/// The answer of `POST /v1/me/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceAdded {
    /// The new device key's thumbprint.
    pub thumbprint: String,
    /// The moment from which it may release plaintext.
    pub release_from: UnixTime,
}

/// A device of the holder, as the holder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceView {
    /// The device key's thumbprint.
    pub thumbprint: String,
    /// When it was bound.
    pub bound_at: UnixTime,
    /// The moment from which it may release plaintext, while that is to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_from: Option<UnixTime>,
    /// Whether it is the one that asks.
    pub this: bool,
}

/// The answer of `GET /v1/me/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// The devices, oldest first.
    pub devices: Vec<DeviceView>,
}

/// What a holder is told, on every device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertView {
    /// When it happened.
    pub time: UnixTime,
    /// What.
    pub kind: AlertKind,
    /// The thumbprint of the device that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// The answer of `GET /v1/me/alerts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alerts {
    /// The alerts, the latest first.
    pub alerts: Vec<AlertView>,
}

/// The body of `POST /v1/recoveries`: who has an identifier and no device any more shows fresh evidence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryBody {
    /// The identity document.
    pub document: Document,
    /// Evidence that the holder is its person.
    pub evidence: Evidence,
    /// The PIN from now on.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9]{8}$"))]
    pub pin: Pin,
    /// Proof of possession of the new device's key.
    pub key_proof: String,
    /// Whether all other devices are revoked at once: they were lost.
    pub revoke_others: bool,
}

/// The answer of `POST /v1/recoveries`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recovered {
    /// The network number (网号).
    pub network_number: NetworkNumber,
    /// The identifier's status.
    pub status: SubjectStatus,
    /// The network certificate (网证) of the new device; absent while the identifier is halted or its certificate has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// When the certificate ends.
    pub credential_expires_at: UnixTime,
    /// The moment from which the new device may release plaintext.
    pub release_from: UnixTime,
}

/// A sealed new PIN of who has forgotten the old one and shows fresh evidence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPinReset {
    /// The identity document.
    pub document: Document,
    /// Evidence that the holder is its person.
    pub evidence: Evidence,
    /// The PIN from now on.
    pub pin: Pin,
}

impl SealedPinReset {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }
}

/// Has a key holder bind another device key to a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The key holder.
    pub aud: KeyHolder,
    /// The subject.
    pub subject: SubjectId,
    /// The device key.
    pub device: PublicKey,
    /// What the old device signed ([`DeviceApproval`]); absent where fresh evidence brings the new one, which issuance alone
    /// vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The moment from which its consents open anything. A key holder waits for as long as its own configuration says at
    /// least.
    pub release_from: UnixTime,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for Binding {
    const TYP: &'static str = "cyberid-binding+jwt";
}

/// Has a key holder unbind a device key from a record, for good. It closes and never opens, so that issuance's word is
/// enough.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unbinding {
    /// The key holder.
    pub aud: KeyHolder,
    /// The subject.
    pub subject: SubjectId,
    /// The device key.
    pub device: PublicKey,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for Unbinding {
    const TYP: &'static str = "cyberid-unbinding+jwt";
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey};

    use super::*;

    fn pin(text: &str) -> Pin {
        Pin::entered(text.into()).unwrap()
    }

    fn opened(sealed: &str, key: &AgreementKey) -> Vec<u8> {
        jwe::Sealed::parse(sealed).unwrap().open(key).unwrap().to_vec()
    }

    #[test]
    fn what_is_sealed_is_read_back_and_nothing_else() {
        let key = AgreementKey::from_scalar(&[7; 32]).unwrap();
        let sealed = SealedDevice::seal(&key.public_key(), "a.b.c", "d.e.f", &pin("52719406")).unwrap();
        let device = SealedDevice::read(&opened(&sealed, &key)).unwrap();
        assert_eq!(
            (
                device.key_proof.as_str(),
                device.approval.as_str(),
                device.pin.expose()
            ),
            ("a.b.c", "d.e.f", "52719406")
        );
        let sealed = SealedPinChange::seal(&key.public_key(), &pin("52719406"), &pin("83620517")).unwrap();
        let change = SealedPinChange::read(&opened(&sealed, &key)).unwrap();
        assert_eq!(
            (change.pin.expose(), change.new_pin.expose()),
            ("52719406", "83620517")
        );
        assert!(SealedDevice::read(&opened(&sealed, &key)).is_err());
    }
}
