//! Why something did not come to pass, and whose fault it is.

use cyberid_client::ledger::LedgerRefused;
use cyberid_client::{ClientError, MessageRefused, PlatformError};
use cyberid_crypto::KeyFailure;

use crate::{AttestationRefused, EventRefused, IdentityRefused};

/// Why a call of the relying party did not come to pass.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RelyingPartyError {
    /// The call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The platform is not the one that was pinned, or does not answer.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The ledger is not believed.
    #[error(transparent)]
    Ledger(#[from] LedgerRefused),
    /// The attestation is not believed.
    #[error(transparent)]
    Attestation(#[from] AttestationRefused),
    /// The released identity is not accepted.
    #[error(transparent)]
    Identity(#[from] IdentityRefused),
    /// An event is not believed.
    #[error(transparent)]
    Event(#[from] EventRefused),
    /// A registration certificate is not believed.
    #[error("a registration certificate is not the platform's: {0}")]
    Certificate(MessageRefused),
    /// There is no registration certificate for this purpose.
    #[error("there is no registration certificate for this purpose")]
    NotCertified,
    /// The platform says that a verification is decided, and brings no attestation.
    #[error("decided, without an attestation")]
    NoAttestation,
    /// What was seen of the ledger could not be kept or read.
    #[error("what was seen of the ledger cannot be kept or read: {0}")]
    Checkpoint(std::io::ErrorKind),
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
}
