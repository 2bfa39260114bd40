//! Copies a ledger to a directory, in the layout of C2SP tlog-tiles, so that it can be audited offline.

use std::path::Path;

use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::tile::{TileKind, TilePath, new_tiles};

use crate::anchors::{ANCHORS_FILE, AuditAnchors, InvalidAnchors};
use crate::audit::Progress;
use crate::finding::{AuditFailure, Finding};
use crate::source::{LedgerSource, SourceError};

/// Copies the ledger at its current checkpoint; returns its size. The checkpoint is written last, so that an export
/// that was cut off is not taken for a whole one.
pub async fn export(
    source: &dyn LedgerSource,
    anchors: &AuditAnchors,
    directory: &Path,
    progress: Progress<'_>,
) -> Result<u64, AuditFailure> {
    let unreadable = |InvalidAnchors(cause)| SourceError {
        path: ANCHORS_FILE.into(),
        cause,
    };
    let (log, _) = anchors.parse().map_err(unreadable)?;
    let note = source.read("checkpoint").await?;
    let checkpoint = VerifiedCheckpoint::open(&note, &log).map_err(Finding::from)?;
    let size = checkpoint.size();
    let mut done = 0;
    for path in new_tiles(0, size) {
        copy(source, directory, &path.to_string()).await?;
        if path.kind() == (TileKind::Hashes { level: 0 }) {
            let entries = TilePath::new(TileKind::Entries, path.index(), path.width());
            copy(
                source,
                directory,
                &entries.map(|path| path.to_string()).unwrap_or_default(),
            )
            .await?;
            done += u64::from(path.width());
            progress(done, size);
        }
    }
    let text = serde_json::to_vec_pretty(anchors).unwrap_or_default();
    write(directory, ANCHORS_FILE, &text).await?;
    write(directory, "checkpoint", &note).await?;
    Ok(size)
}

async fn copy(source: &dyn LedgerSource, directory: &Path, path: &str) -> Result<(), SourceError> {
    write(directory, path, &source.read(path).await?).await
}

async fn write(directory: &Path, path: &str, bytes: &[u8]) -> Result<(), SourceError> {
    let target = directory.join(path);
    let folder = target.parent().unwrap_or(directory).to_owned();
    let written = async {
        tokio::fs::create_dir_all(folder).await?;
        tokio::fs::write(&target, bytes).await
    };
    written.await.map_err(|error| SourceError {
        path: path.into(),
        cause: error.to_string(),
    })
}
