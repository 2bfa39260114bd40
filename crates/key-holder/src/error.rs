//! Why a key holder does not do what it is asked, and how a caller is told.

use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::warrant::WarrantRefused;
use cyberid_storage::StorageError;
use cyberid_web::Failure;

/// Why a key holder does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyHolderError {
    /// A command is malformed, for another, or not signed by the enrolment key.
    #[error("the command is not valid")]
    InvalidCommand,
    /// A command is not of this moment.
    #[error("the command is not of this moment")]
    ExpiredCommand,
    /// The subject reserved nobody, is confirmed, or has another record.
    #[error("the record cannot be deposited")]
    NotDepositable,
    /// There is no record to confirm.
    #[error("there is no record to confirm")]
    NoRecord,
    /// The warrant is refused.
    #[error(transparent)]
    Warrant(#[from] WarrantRefused),
    /// The record lacks a field that the holder agreed to.
    #[error("the record lacks an agreed field")]
    FieldMissing,
    /// Other releases went ahead at every attempt.
    #[error("other releases went ahead at every attempt")]
    Overtaken,
    /// A key could not be used.
    #[error(transparent)]
    Key(#[from] cyberid_crypto::KeyFailure),
    /// What the store holds does not open under this key holder's keys.
    #[error("a sealed share or value does not open")]
    DoesNotOpen,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KeyHolderError {
    /// The reason by which refused warrants are counted; nothing for other failures.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Warrant(refused) => Some(refused.reason()),
            Self::FieldMissing => Some("field_missing".into()),
            _ => None,
        }
    }
}

impl From<cyberid_crypto::aead::DoesNotOpen> for KeyHolderError {
    fn from(_: cyberid_crypto::aead::DoesNotOpen) -> Self {
        Self::DoesNotOpen
    }
}

impl From<KeyHolderError> for Failure {
    fn from(error: KeyHolderError) -> Self {
        let refused = |reason: String| Problem::new(ProblemType::WarrantRefused).with("reason", reason);
        match error {
            KeyHolderError::InvalidCommand => ProblemType::InvalidMessage.into(),
            KeyHolderError::ExpiredCommand => ProblemType::ExpiredMessage.into(),
            KeyHolderError::NotDepositable => ProblemType::Forbidden.into(),
            KeyHolderError::NoRecord => ProblemType::NotFound.into(),
            KeyHolderError::Warrant(WarrantRefused::StaleConsistency { size }) => {
                Problem::new(ProblemType::StaleConsistency)
                    .with("size", size)
                    .into()
            }
            KeyHolderError::Warrant(reason) => refused(reason.reason()).into(),
            KeyHolderError::FieldMissing => refused("field_missing".into()).into(),
            KeyHolderError::Overtaken | KeyHolderError::Storage(StorageError::Unknown(_)) => {
                Self::unavailable(error)
            }
            KeyHolderError::Key(_) | KeyHolderError::DoesNotOpen | KeyHolderError::Storage(_) => {
                Self::internal(error)
            }
        }
    }
}
