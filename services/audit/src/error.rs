//! What can go wrong while the regulator reads.

use cyberid_ledger::ReadError;
use cyberid_storage::StorageError;
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
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::internal(error)
    }
}
