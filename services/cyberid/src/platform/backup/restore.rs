//! Putting a backup back: only a young one, and never what was erased since.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cyberid_crypto::Agree;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use serde::Serialize;

use super::erasures::{Erased, ErasureLog};
use super::{BackupError, Header, ShareDb, StoreName, is_over, stream, take};

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Restored {
    /// Which store.
    pub(crate) store: StoreName,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// When the backup was taken: records that came later are not in it.
    pub(crate) taken_at: UnixTime,
    /// How many records it has.
    pub(crate) records: u64,
    /// How many it had that were erased since, and are not there any more.
    pub(crate) erased: u64,
}

/// Puts a backup back into a data directory, with every erasure of `folder`'s record repeated before the store has its name.
pub(crate) async fn restore(
    backup: &Path,
    folder: &Path,
    key: &dyn Agree,
    data: &Path,
    now: UnixTime,
) -> Result<Restored, BackupError> {
    let header = take::header(backup)?.ok_or_else(|| BackupError::DoesNotOpen(backup.to_owned()))?;
    if is_over(header.taken_at, now) {
        return Err(BackupError::Expired(backup.to_owned()));
    }
    if header.taken_at > now.plus(SKEW) {
        return Err(BackupError::FromTheFuture(backup.to_owned()));
    }
    let erased = Erased::read(&ErasureLog::path(folder, header.store))?;
    let path = data.join(header.store.file());
    if path.exists() {
        return Err(BackupError::Occupied(path));
    }
    let begun = data.join(format!(".{}.restoring", header.store.as_str()));
    decrypt(backup, &header, key, &begun)?;
    let (all, gone) = repeat(&header, &begun, &erased).await?;
    fs::rename(&begun, &path)
        .and_then(|()| File::open(data)?.sync_all())
        .map_err(BackupError::file(&path))?;
    Ok(Restored {
        store: header.store,
        path,
        taken_at: header.taken_at,
        records: all - gone,
        erased: gone,
    })
}

fn decrypt(backup: &Path, header: &Header, key: &dyn Agree, to: &Path) -> Result<(), BackupError> {
    let write = || {
        let mut from = BufReader::new(File::open(backup)?);
        stream::header(&mut from)?;
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(to)?;
        let mut file = BufWriter::new(file);
        let opened = stream::open(header, key, &mut from, &mut file)?;
        file.into_inner()?.sync_all()?;
        Ok(opened)
    };
    match write() {
        Ok(true) => Ok(()),
        Ok(false) => {
            fs::remove_file(to).map_err(BackupError::file(to))?;
            Err(BackupError::DoesNotOpen(backup.to_owned()))
        }
        Err(error) => Err(BackupError::file(to)(error)),
    }
}

/// Repeats the erasures, so that the store opens without what was erased; how many records there were, and how many went.
async fn repeat(header: &Header, path: &Path, erased: &Erased) -> Result<(u64, u64), BackupError> {
    let store = ShareDb::open(header.store, path).await?;
    let done = store.erase_if(|subject| erased.contains(subject)).await;
    store.close().await;
    Ok(done?)
}
