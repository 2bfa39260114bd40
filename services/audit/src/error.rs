//! What can go wrong while the regulator reads.

use cyberid_ledger_read::ReadError;
use cyberid_storage_read::StorageError;
use cyberid_web::Failure;

/// Why the regulator is not answered: the platform's fault in each case.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The ledger cannot prove what it holds.
    #[error(transparent)]
    Ledger(#[from] ReadError),
    /// An entry could not be written down.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A store holds something that the platform cannot have written.
    #[error("the store holds a {0} that cannot be")]
    Corrupt(&'static str),
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::internal(error)
    }
}
