//! What a holder is told about their devices and their PIN, whoever did it.

use serde::{Deserialize, Serialize};

/// What a holder is told: by each of their devices, so that what a thief does with one shows on the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A device was added with the word of another one.
    DeviceAdded,
    /// A device was added by fresh evidence.
    DeviceRecovered,
    /// A device was revoked.
    DeviceRevoked,
    /// Somebody with true evidence of the person asked for a second identifier, and was refused.
    EnrolmentTried,
    /// Somebody with true evidence of the person tried to recover the identifier, and was refused.
    RecoveryTried,
    /// The PIN was changed with the old one.
    PinChanged,
    /// The PIN was set anew by fresh evidence.
    PinReset,
    /// The identity source says that the holder died.
    DeathReported,
    /// The identity source says that the document was lost or withdrawn.
    DocumentInvalid,
    /// The record was made anew of another document or a corrected name.
    RecordReplaced,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::DeviceAdded,
        Self::DeviceRecovered,
        Self::DeviceRevoked,
        Self::EnrolmentTried,
        Self::RecoveryTried,
        Self::PinChanged,
        Self::PinReset,
        Self::DeathReported,
        Self::DocumentInvalid,
        Self::RecordReplaced,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeviceAdded => "device_added",
            Self::DeviceRecovered => "device_recovered",
            Self::DeviceRevoked => "device_revoked",
            Self::EnrolmentTried => "enrolment_tried",
            Self::RecoveryTried => "recovery_tried",
            Self::PinChanged => "pin_changed",
            Self::PinReset => "pin_reset",
            Self::DeathReported => "death_reported",
            Self::DocumentInvalid => "document_invalid",
            Self::RecordReplaced => "record_replaced",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_messages_is_the_name_in_stores() {
        for kind in AlertKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(AlertKind::named(kind.as_str()), Some(kind));
        }
    }
}
