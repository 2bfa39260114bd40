//! Where a ledger is read from: the paths of C2SP tlog-tiles, below a URL or a directory.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

/// A path could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {path}: {cause}")]
pub struct SourceError {
    /// The path below the ledger.
    pub path: String,
    /// What went wrong.
    pub cause: String,
}

/// A ledger that can be read.
#[async_trait]
pub trait LedgerSource: Send + Sync {
    /// The bytes at a path such as `checkpoint` or `tile/entries/000.p/3`.
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError>;
}

/// A ledger in a directory, as [`crate::export`] writes it.
#[derive(Debug, Clone)]
pub struct DirectorySource(PathBuf);

impl DirectorySource {
    /// The ledger in `directory`.
    pub fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }
}

#[async_trait]
impl LedgerSource for DirectorySource {
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let read = tokio::fs::read(self.0.join(path)).await;
        read.map_err(|error| SourceError {
            path: path.into(),
            cause: error.to_string(),
        })
    }
}
