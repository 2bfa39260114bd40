//! Why something of the log could not be read or proved.

use std::sync::Arc;

use cyberid_storage_read::StorageError;
use cyberid_tlog::proof::{MissingNode, PlanError};

/// Why something could not be read or proved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// It is not there: outside of the published log, or not yet under a checkpoint as asked for.
    #[error("this is not in the published log")]
    NotThere,
    /// The store holds something that does not belong to this log.
    #[error("the store holds a {0} that does not belong to this log")]
    Corrupt(&'static str),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<StorageError>),
}

impl From<StorageError> for ReadError {
    fn from(error: StorageError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<PlanError> for ReadError {
    fn from(_: PlanError) -> Self {
        Self::NotThere
    }
}

impl From<MissingNode> for ReadError {
    fn from(_: MissingNode) -> Self {
        Self::Corrupt("tile")
    }
}
