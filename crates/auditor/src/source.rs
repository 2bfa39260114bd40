//! Where a ledger is read from: the paths of C2SP tlog-tiles, below a URL or a directory.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cyberid_tlog::tile::TilePath;

use crate::finding::{AuditFailure, Finding};

/// A path could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {path}: {cause}")]
pub struct SourceError {
    /// The path below the ledger.
    pub path: String,
    /// What went wrong.
    pub cause: String,
    /// Whether the ledger was reached and has nothing there.
    pub absent: bool,
}

/// A ledger that can be read.
#[async_trait]
pub trait LedgerSource: Send + Sync {
    /// The bytes at a path such as `checkpoint` or `tile/entries/000.p/3`.
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError>;
}

/// The bytes of a tile or an entry bundle, with the path at which they were found: where a partial one is gone, the full
/// one has taken its place (tlog-tiles, Partial Tiles). What is in neither place the log withholds.
pub(crate) async fn read_tile(
    source: &dyn LedgerSource,
    path: TilePath,
) -> Result<(TilePath, Vec<u8>), AuditFailure> {
    let absent = match source.read(&path.to_string()).await {
        Ok(bytes) => return Ok((path, bytes)),
        Err(error) if error.absent => error,
        Err(error) => return Err(error.into()),
    };
    let full = path.full();
    if path.is_partial()
        && let Ok(bytes) = source.read(&full.to_string()).await
    {
        return Ok((full, bytes));
    }
    Err(Finding::Missing { path: absent.path }.into())
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
            absent: error.kind() == std::io::ErrorKind::NotFound,
        })
    }
}
