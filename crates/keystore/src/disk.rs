//! The keystore's folder: one writer at a time, and a file that is replaced whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::KeystoreError;

/// The name of the keystore's file in its folder.
pub const FILE: &str = "keystore.json";

/// The name of the file that is locked while a keystore is open.
pub const LOCK: &str = "keystore.lock";

/// The new file before it takes the old one's place; one left behind by a crash means nothing.
const TEMPORARY: &str = "keystore.json.tmp";

/// A folder whose keystore no other process can open.
pub(crate) struct LockedFolder {
    path: PathBuf,
    _lock: File,
}

impl LockedFolder {
    /// Makes the folder, if need be, for its owner alone, and locks it.
    pub(crate) fn create(path: &Path) -> Result<Self, KeystoreError> {
        let failed = KeystoreError::io(path);
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700).create(path).map_err(failed)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent).map_err(KeystoreError::io(parent))?;
        }
        Self::lock(path)
    }

    /// Locks the folder until this value is dropped or the process ends.
    pub(crate) fn lock(path: &Path) -> Result<Self, KeystoreError> {
        let lock_path = path.join(LOCK);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&lock_path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => KeystoreError::Missing(path.join(FILE)),
            kind => KeystoreError::Io {
                path: lock_path.clone(),
                kind,
            },
        })?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => KeystoreError::InUse(path.into()),
            TryLockError::Error(error) => KeystoreError::io(&lock_path)(error),
        })?;
        Ok(Self {
            path: path.into(),
            _lock: lock,
        })
    }

    /// The path of the keystore's file.
    pub(crate) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// Puts `bytes` in the place of the keystore's file. After `Ok` they survive a power cut; after `Io` the old file
    /// stands; after `Unconfirmed` either may.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), KeystoreError> {
        let (file, temporary) = (self.file(), self.path.join(TEMPORARY));
        remove_leftover(&temporary).map_err(KeystoreError::io(&temporary))?;
        create_private(&temporary, bytes).map_err(KeystoreError::io(&temporary))?;
        fs::rename(&temporary, &file)
            .and_then(|()| sync(&self.path))
            .map_err(KeystoreError::unconfirmed(&file))
    }
}

/// Reads the keystore's file of a folder. A rename replaces it, so a reader needs no lock.
pub(crate) fn read(folder: &Path) -> Result<Vec<u8>, KeystoreError> {
    let path = folder.join(FILE);
    fs::read(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => KeystoreError::Missing(path),
        kind => KeystoreError::Io { path, kind },
    })
}

/// Makes a file that only its owner can read, and that is not there yet, durably but for its name.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable.
pub(crate) fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove_leftover(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
