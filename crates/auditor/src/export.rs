//! Copies a ledger to a directory, in the layout of C2SP tlog-tiles, so that it can be audited offline.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::tile::{TileKind, TilePath, new_tiles};

use crate::anchors::{ANCHORS_FILE, AuditAnchors, InvalidAnchors};
use crate::audit::Progress;
use crate::bundle::entries_path;
use crate::finding::{AuditFailure, Finding};
use crate::source::{LedgerSource, SourceError, read_tile};

const CHECKPOINT: &str = "checkpoint";

/// Copies the ledger at its current checkpoint; returns its size.
///
/// What a directory has of this ledger already is not read again: an export that was cut off goes on, and an old one
/// grows. Each file is there whole or not at all, and the checkpoint is written last: until then the directory is the
/// export that it was. What is copied is not checked: that is for an audit of the directory.
pub async fn export(
    source: &dyn LedgerSource,
    anchors: &AuditAnchors,
    directory: &Path,
    progress: Progress<'_>,
) -> Result<u64, AuditFailure> {
    let unreadable = |InvalidAnchors(cause)| failed(ANCHORS_FILE, cause);
    let (log, _) = anchors.parse().map_err(unreadable)?;
    let note = source.read(CHECKPOINT).await?;
    let checkpoint = VerifiedCheckpoint::open(&note, &log).map_err(Finding::from)?;
    let size = checkpoint.size();
    check_directory(directory, anchors, &log, size)?;
    let text = serde_json::to_vec_pretty(anchors).unwrap_or_default();
    write(directory, ANCHORS_FILE, &text).await?;
    let mut done = 0;
    let mut files = HashSet::new();
    for path in new_tiles(0, size) {
        files.insert(copy(source, directory, path).await?);
        if path.kind() == (TileKind::Hashes { level: 0 }) {
            let entries = entries_path(path.index(), usize::from(path.width()));
            files.insert(copy(source, directory, entries.unwrap_or(path)).await?);
            done += u64::from(path.width());
            progress(done, size);
        }
    }
    write(directory, CHECKPOINT, &note).await?;
    let swept = sweep(directory, &files);
    swept.map_err(|error| failed("tile", error.to_string()))?;
    Ok(size)
}

/// A directory that holds something else, or more of this ledger, is left alone.
fn check_directory(
    directory: &Path,
    anchors: &AuditAnchors,
    log: &VerifierKey,
    size: u64,
) -> Result<(), AuditFailure> {
    let Ok(held) = std::fs::read(directory.join(ANCHORS_FILE)) else {
        return Ok(());
    };
    let held: Option<AuditAnchors> = serde_json::from_slice(&held).ok();
    if held.is_none_or(|held| held.vkey != anchors.vkey) {
        let cause = "the directory holds the export of another ledger";
        return Err(failed(ANCHORS_FILE, cause.into()).into());
    }
    let held = std::fs::read(directory.join(CHECKPOINT)).unwrap_or_default();
    match VerifiedCheckpoint::open(&held, log) {
        Ok(held) if held.size() > size => Err(Finding::Cut {
            size,
            kept: held.size(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Copies a file that the directory does not have, and says which it now has.
async fn copy(source: &dyn LedgerSource, directory: &Path, path: TilePath) -> Result<PathBuf, AuditFailure> {
    for path in [path, path.full()] {
        let target = directory.join(path.to_string());
        if std::fs::metadata(&target).is_ok_and(|file| file.len() > 0) {
            return Ok(target);
        }
    }
    let (found, bytes) = read_tile(source, path).await?;
    Ok(write(directory, &found.to_string(), &bytes).await?)
}

async fn write(directory: &Path, path: &str, bytes: &[u8]) -> Result<PathBuf, SourceError> {
    let target = directory.join(path);
    let folder = target.parent().unwrap_or(directory).to_owned();
    let temporary = folder.join(".new");
    let written = async {
        tokio::fs::create_dir_all(folder).await?;
        tokio::fs::write(&temporary, bytes).await?;
        tokio::fs::rename(&temporary, &target).await
    };
    let written = written.await.map_err(|error| failed(path, error.to_string()));
    written.map(|()| target)
}

/// Removes the partial tiles and bundles that wider ones have replaced.
fn sweep(directory: &Path, files: &HashSet<PathBuf>) -> std::io::Result<()> {
    let mut folders = vec![directory.join("tile")];
    while let Some(folder) = folders.pop() {
        let is_of_partial = folder.extension().is_some_and(|ending| ending == "p");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_of_partial && !files.contains(&path) {
                std::fs::remove_file(path)?;
            }
        }
        if is_of_partial {
            // Gone if nothing is left in it.
            let _ = std::fs::remove_dir(&folder);
        }
    }
    Ok(())
}

fn failed(path: &str, cause: String) -> SourceError {
    SourceError {
        path: path.into(),
        cause,
        absent: false,
    }
}
