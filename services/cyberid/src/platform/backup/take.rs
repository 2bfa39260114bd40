//! Taking a backup, and deleting those that are too old.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::rng::SystemRng;
use serde::Serialize;

use super::{BackupError, Header, ShareDb, StoreName, is_over, stream};

const EXTENSION: &str = "backup";

/// One that is being written, or that a crash left so.
const BEGUN: &str = "begun";

/// A backup in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Backup {
    /// The file.
    pub(crate) file: PathBuf,
    /// Which store.
    pub(crate) store: StoreName,
    /// When it was taken.
    pub(crate) taken_at: UnixTime,
}

/// Takes a backup of a store that may be at work: a snapshot of one moment in the data directory, encrypted into the folder.
pub(super) async fn take(
    store: &ShareDb,
    data: &Path,
    folder: &Path,
    key: PublicKey,
    now: UnixTime,
) -> Result<Backup, BackupError> {
    let name = store.name();
    let snapshot = data.join(format!(".{}.snapshot", name.as_str()));
    wipe(&snapshot).map_err(BackupError::file(&snapshot))?;
    store.snapshot(&snapshot).await?;
    let (from, folder) = (snapshot.clone(), folder.to_owned());
    let sealed = tokio::task::spawn_blocking(move || seal((name, now), &key, &from, &folder)).await;
    let wiped = wipe(&snapshot).map_err(BackupError::file(&snapshot));
    let backup = sealed.map_err(|_| BackupError::Key)??;
    wiped.map(|()| backup)
}

/// The backups in a folder, whatever else lies there.
pub(crate) fn backups(folder: &Path) -> Result<Vec<Backup>, BackupError> {
    with_extensions(folder, &[EXTENSION])
}

fn with_extensions(folder: &Path, extensions: &[&str]) -> Result<Vec<Backup>, BackupError> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(BackupError::file(folder))?,
    };
    for entry in entries {
        let file = entry.map_err(BackupError::file(folder))?.path();
        let extension = file.extension().unwrap_or_default();
        if extensions.iter().any(|known| extension == *known) {
            let header = header(&file)?;
            found.extend(header.map(|header| Backup {
                file,
                store: header.store,
                taken_at: header.taken_at,
            }));
        }
    }
    found.sort_by_key(|backup| (backup.taken_at, backup.store.as_str()));
    Ok(found)
}

/// Deletes the backups that may not be put back any more, whole or not: whoever has the key can read the beginning of one.
pub(super) fn prune(folder: &Path, now: UnixTime) -> Result<(), BackupError> {
    let old = with_extensions(folder, &[EXTENSION, BEGUN])?.into_iter();
    for backup in old.filter(|backup| is_over(backup.taken_at, now)) {
        fs::remove_file(&backup.file).map_err(BackupError::file(&backup.file))?;
        metrics::counter!("share_backups_deleted_total").increment(1);
    }
    Ok(())
}

/// The header of a file; nothing if it is no backup.
pub(super) fn header(file: &Path) -> Result<Option<Header>, BackupError> {
    let read = File::open(file).and_then(|opened| stream::header(&mut BufReader::new(opened)));
    read.map_err(BackupError::file(file))
}

fn seal(
    (store, taken_at): (StoreName, UnixTime),
    key: &PublicKey,
    from: &Path,
    folder: &Path,
) -> Result<Backup, BackupError> {
    let file = folder.join(format!("{}-{}.{EXTENSION}", store.as_str(), taken_at.0));
    let begun = file.with_extension(BEGUN);
    let write = || {
        fs::create_dir_all(folder)?;
        let mut from = BufReader::new(File::open(from)?);
        let mut options = OpenOptions::new();
        let to = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&begun)?;
        let mut to = BufWriter::new(to);
        stream::seal((store, taken_at), key, &SystemRng, &mut from, &mut to)?;
        to.into_inner()?.sync_all()?;
        fs::rename(&begun, &file)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(BackupError::file(&file))?;
    Ok(Backup {
        file,
        store,
        taken_at,
    })
}

/// Overwrites a file and removes it: what is erased later is to be in no block that a snapshot left.
fn wipe(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut left = file.metadata()?.len();
    let zeros = vec![0; 64 * 1024];
    while left > 0 {
        let some = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..some).unwrap_or(zeros.as_slice()))?;
        left -= u64::try_from(some).unwrap_or(left);
    }
    file.sync_all()?;
    fs::remove_file(path)
}
