//! Putting a backup back: only a young one, and never what was erased or unbound since.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cyberid_crypto::Agree;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_storage::StorageError;
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
    /// How many devices it had that were unbound since, and open nothing any more.
    pub(crate) unbound: u64,
}

/// Puts a backup back into a data directory, with every erasure and unbinding of `folder`'s record repeated before the store
/// has its name.
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
    let Repeated { all, gone, unbound } = repeat(&header, &begun, &erased).await?;
    fs::rename(&begun, &path)
        .and_then(|()| File::open(data)?.sync_all())
        .map_err(BackupError::file(&path))?;
    Ok(Restored {
        store: header.store,
        path,
        taken_at: header.taken_at,
        records: all - gone,
        erased: gone,
        unbound,
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

/// What was repeated on a store.
struct Repeated {
    /// How many records there were.
    all: u64,
    /// How many of them went.
    gone: u64,
    /// How many devices of the others were unbound.
    unbound: u64,
}

/// Repeats the erasures and unbindings, so that the store opens without what was erased, and for no device that was lost.
async fn repeat(header: &Header, path: &Path, erased: &Erased) -> Result<Repeated, BackupError> {
    let store = ShareDb::open(header.store, path).await?;
    let repeated = async {
        let (all, gone) = store.erase_if(|subject| erased.contains(subject)).await?;
        let unbound = store
            .unbind_if(|subject, jkt| erased.contains_device(subject, jkt))
            .await?;
        Ok::<_, StorageError>(Repeated { all, gone, unbound })
    };
    let repeated = repeated.await;
    store.close().await;
    Ok(repeated?)
}
