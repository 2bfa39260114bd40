//! Why a device is not added, revoked or recovered, or a PIN is not set.

use cyberid_client::ClientError;
use cyberid_crypto::KeyFailure;
use cyberid_domain::UnixTime;
use cyberid_pin::HashingFailed;
use cyberid_storage::StorageError;
use cyberid_web::quota::OverQuota;

use crate::EnrolmentError;

/// Why a device is not added, revoked or recovered, or a PIN is not set.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is no such holder, or no such device of theirs.
    #[error("there is nothing of this name for this holder")]
    NotFound,
    /// A message is not of the documented form, or not of this device.
    #[error("not a message of this device")]
    Message,
    /// A message is not of this moment.
    #[error("not of this moment")]
    Expired,
    /// What is common with enrolments stands against it.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// The device cools off: it acts for itself only.
    #[error("the device cools off until {}", release_from.0)]
    CoolingOff {
        /// Until when.
        release_from: UnixTime,
    },
    /// The PIN is wrong, or locked.
    #[error("the PIN is wrong or locked")]
    Pin,
    /// The key is or was somebody's, or the holder has enough devices.
    #[error("the key was used before, or there are as many devices as one may have")]
    Unacceptable,
    /// It is the holder's last device.
    #[error("the last device stays")]
    Last,
    /// The identifier is being ended by one of its devices.
    #[error("the identifier is being ended")]
    Ending,
}

impl From<OverQuota> for DeviceError {
    fn from(over: OverQuota) -> Self {
        Self::Enrolment(over.into())
    }
}

macro_rules! of_enrolments {
    ($($cause:ty),+) => {$(
        impl From<$cause> for DeviceError {
            fn from(cause: $cause) -> Self {
                Self::Enrolment(cause.into())
            }
        }
    )+};
}

of_enrolments!(StorageError, KeyFailure, HashingFailed, ClientError);
