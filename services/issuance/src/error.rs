//! Why an enrolment does not succeed, and what has to be cleared away then.

use cyberid_client::ClientError;
use cyberid_crypto::KeyFailure;
use cyberid_pin::HashingFailed;
use cyberid_storage::StorageError;
use cyberid_web::quota::OverQuota;

use crate::source_circuit::Resting;

/// Why an enrolment does not succeed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The PIN is too easy to guess.
    #[error("the PIN is too easy to guess")]
    PinUnacceptable,
    /// The key proof is not one for this platform.
    #[error("not a key proof for this platform")]
    InvalidProof,
    /// The key proof is not of this moment.
    #[error("the key proof is not of this moment")]
    ExpiredProof,
    /// The nonce was never given out, was used, or has expired.
    #[error("the nonce is not known")]
    UnknownNonce,
    /// So many nonces were used that no more can be remembered.
    #[error("the memory of used nonces is full")]
    NoncesFull,
    /// Document, evidence, person or device stand against it; which of them is told to nobody.
    #[error("the enrolment is refused")]
    Refused,
    /// Too many were refused.
    #[error(transparent)]
    TooMany(#[from] OverQuota),
    /// The identity source gave no answer that can be believed.
    #[error("the identity source gave no answer that can be believed")]
    Source(#[from] SourceFailure),
    /// A key holder did not do its part.
    #[error("a key holder did not do its part")]
    KeyHolder(#[from] ClientError),
    /// The registry failed before the commit was tried.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Whether the registry committed is unknown.
    #[error("whether the registry committed is unknown")]
    CommitUnknown(#[source] StorageError),
    /// A key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// The PIN could not be hashed.
    #[error(transparent)]
    Pin(#[from] HashingFailed),
    /// The enrolment ended in a fault of its own.
    #[error("the enrolment ended in a fault of its own")]
    Stopped,
}

/// Why an answer of the identity source cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum SourceFailure {
    /// There is none, or not of the documented form.
    #[error("no answer of the documented form")]
    NoAnswer(#[from] ClientError),
    /// It failed too often, and is left alone for a while.
    #[error("left alone for {retry_after} seconds after many failures")]
    Resting {
        /// For so many seconds.
        retry_after: u64,
    },
    /// It is not signed by the source.
    #[error("not signed by the source")]
    NotSigned,
    /// It answers another question.
    #[error("the answer to another question")]
    OtherQuestion,
    /// It is not of this moment.
    #[error("not of this moment")]
    NotNow,
    /// It confirms without a date of birth for us.
    #[error("confirmed without a date of birth that opens")]
    NoBirthDate,
    /// It confirms without a handle of the person for us.
    #[error("confirmed without a handle of the person that opens")]
    NoPerson,
}

impl From<Resting> for SourceFailure {
    fn from(Resting { retry_after }: Resting) -> Self {
        Self::Resting { retry_after }
    }
}

/// What may be left behind at the key holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// At most what they have answered for: it can be freed now.
    Known,
    /// Perhaps a command that is still on its way: freed now, and again when it can no longer arrive in time.
    OnItsWay,
    /// Perhaps a committed subject: nothing may be freed.
    PerhapsCommitted,
}

impl EnrolmentError {
    /// What this error may leave behind after the person was to be reserved.
    pub(crate) fn leftover(&self) -> Leftover {
        match self {
            Self::KeyHolder(error) if error.problem().is_none() => Leftover::OnItsWay,
            Self::CommitUnknown(_) => Leftover::PerhapsCommitted,
            _ => Leftover::Known,
        }
    }
}
