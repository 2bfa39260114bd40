//! The keystore's folder: one process that serves, one writer at a time, and a file that is replaced whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::KeystoreError;

/// The name of the keystore's file in its folder.
pub const FILE: &str = "keystore.json";

/// The name of the file that is locked while a process serves with the keys.
pub const LOCK: &str = "keystore.lock";

/// The name of the file that is locked while the list of keys is changed.
const WRITE_LOCK: &str = "keystore.write.lock";

/// The new file before it takes the old one's place; one left behind by a crash means nothing.
const TEMPORARY: &str = "keystore.json.tmp";

/// A folder with a keystore.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, if need be, for its owner alone.
    pub(crate) fn create(path: &Path) -> Result<Self, KeystoreError> {
        let failed = KeystoreError::io(path);
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700).create(path).map_err(failed)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent).map_err(KeystoreError::io(parent))?;
        }
        Ok(Self::at(path))
    }

    /// A folder that should be there.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Holds the keystore, until the lock is dropped or the process ends, as the one process that serves with its keys.
    pub(crate) fn lock_for_serving(&self) -> Result<File, KeystoreError> {
        let (path, lock) = self.open_lock(LOCK)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => KeystoreError::InUse(self.path.clone()),
            TryLockError::Error(error) => KeystoreError::io(&path)(error),
        })?;
        Ok(lock)
    }

    /// Waits until nobody else changes the list of keys, and keeps it so until the lock is dropped.
    pub(crate) fn lock_for_writing(&self) -> Result<File, KeystoreError> {
        let (path, lock) = self.open_lock(WRITE_LOCK)?;
        lock.lock().map_err(KeystoreError::io(&path))?;
        Ok(lock)
    }

    fn open_lock(&self, name: &str) -> Result<(PathBuf, File), KeystoreError> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => KeystoreError::Missing(self.file()),
            kind => KeystoreError::Io {
                path: path.clone(),
                kind,
            },
        })?;
        Ok((path, lock))
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
