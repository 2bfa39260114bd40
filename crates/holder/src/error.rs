//! Why something did not come to pass, and whose fault it is.

use cyberid_client::ledger::LedgerRefused;
use cyberid_client::{ClientError, MessageRefused, PlatformError};
use cyberid_crypto::KeyFailure;
use cyberid_domain::id::{ConsentId, InvalidId};
use cyberid_protocol::export::ArchiveRefused;
use cyberid_protocol::message::NotNow;

use crate::certified::CertificateRefused;
use crate::receipt::ReceiptRefused;

/// Why a call of the holder did not come to pass.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HolderError {
    /// The call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The platform is not the one that was pinned, or does not answer.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The ledger is not believed.
    #[error(transparent)]
    Ledger(#[from] LedgerRefused),
    /// The request must not be shown.
    #[error(transparent)]
    Request(#[from] RequestRefused),
    /// The receipt of a consent does not prove what it should. The consent may stand: it can be withdrawn.
    #[error("the receipt of consent {consent_id} is not good: {why}")]
    Receipt {
        /// The consent.
        consent_id: ConsentId,
        /// What is wrong.
        why: ReceiptRefused,
    },
    /// The credential that enrolment answered is not one of this device.
    #[error("the credential is not one of this device")]
    CredentialRefused,
    /// What another device handed over is no request of a device for this platform.
    #[error("not a request of a device for this platform")]
    DeviceRequest,
    /// The request asks for the PIN, and none was given.
    #[error("the PIN is asked for")]
    PinNeeded,
    /// The request asks for the face, and none is before the camera.
    #[error("the face is asked for")]
    FaceNeeded,
    /// The request asks for a passkey, and none was used.
    #[error("a passkey is asked for")]
    PasskeyNeeded,
    /// The fields to grant are none, repeated, or not among those asked.
    #[error("the fields to grant are not some of those asked")]
    FieldsNotAsked,
    /// A message is not one that the platform signed.
    #[error(transparent)]
    Message(#[from] MessageRefused),
    /// The archive of the holder's data is not as the platform signed it, or not this device's.
    #[error(transparent)]
    Export(#[from] ArchiveRefused),
    /// The device key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
}

/// Why a request must not be shown to the holder.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestRefused {
    /// The address is not one of a request of this platform.
    #[error("not the address of a request of this platform")]
    Address,
    /// The platform did not sign it as a request.
    #[error("not a request that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// The relying party did not sign the direct request.
    #[error("not a direct request that the relying party signed: {0}")]
    Direct(#[from] cyberid_crypto::jws::InvalidJws),
    /// It is of another issuer.
    #[error("a request of another issuer")]
    Issuer,
    /// It is another request than the one that was fetched.
    #[error("another request than the one that was fetched")]
    AnotherRequest,
    /// It is not of this moment.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The registration certificate does not cover it.
    #[error(transparent)]
    Certificate(#[from] CertificateRefused),
    /// The comparison code is not the one that the request makes.
    #[error("the comparison code is not the one of this request")]
    ComparisonCode,
    /// The text to show does not say what the request says.
    #[error("the statement does not say what the request says")]
    Statement,
}

impl From<InvalidId> for RequestRefused {
    fn from(InvalidId: InvalidId) -> Self {
        Self::Address
    }
}
