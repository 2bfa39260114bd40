//! What a witness must not forget: the last checkpoint of each log that it cosigned.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use cyberid_crypto::digest;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::witness::Latest;

use crate::error::WitnessError;

/// The name of the file that is locked while a witness works.
const LOCK: &str = "witness.lock";

/// A folder with one file per log, in which no other witness works.
pub(crate) struct Memory {
    folder: PathBuf,
    _lock: File,
}

impl Memory {
    /// Makes the folder, if need be, for its owner alone, and locks it until this value is dropped.
    pub(crate) fn open(folder: &Path) -> Result<Self, WitnessError> {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(WitnessError::io(folder))?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent).map_err(WitnessError::io(parent))?;
        }
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&path).map_err(WitnessError::io(&path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => WitnessError::InUse(folder.into()),
            TryLockError::Error(error) => WitnessError::io(&path)(error),
        })?;
        Ok(Self {
            folder: folder.into(),
            _lock: lock,
        })
    }

    /// The last checkpoint of this log that was cosigned, as its file has it now; the empty log if there is none.
    pub(crate) fn latest(&self, log: &VerifierKey) -> Result<Latest, WitnessError> {
        let path = self.file(log);
        let note = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Latest::default()),
            read => read.map_err(WitnessError::io(&path))?,
        };
        let checkpoint = VerifiedCheckpoint::open(&note, log).map_err(|_| WitnessError::Corrupt(path))?;
        Ok(Latest {
            size: checkpoint.size(),
            root: checkpoint.root(),
        })
    }

    /// Puts a checkpoint in the place of the last one. After `Ok` it survives a power cut; after an error either may
    /// stand, and [`Memory::latest`] says which.
    pub(crate) fn store(&self, checkpoint: &VerifiedCheckpoint) -> Result<(), WitnessError> {
        let path = self.file(checkpoint.log_key());
        let temporary = path.with_extension("tmp");
        let note = checkpoint.note().to_string();
        write_synced(&temporary, note.as_bytes()).map_err(WitnessError::io(&temporary))?;
        fs::rename(&temporary, &path)
            .and_then(|()| sync(&self.folder))
            .map_err(WitnessError::io(&path))
    }

    /// A log's name may hold any character; the name of its file does not.
    fn file(&self, log: &VerifierKey) -> PathBuf {
        let name = digest::sha256_base64url(log.name().as_bytes());
        self.folder.join(format!("{name}.checkpoint"))
    }
}

/// Writes over what a crash may have left.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use cyberid_tlog::checkpoint::Checkpoint;
    use cyberid_tlog::hash::leaf_hash;
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn log(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed("log.example/../x", &[seed; 32])
            .ok()
            .unwrap()
    }

    fn checkpoint(size: u64) -> VerifiedCheckpoint {
        let root = leaf_hash(&size.to_be_bytes());
        let checkpoint = Checkpoint::new("log.example/../x", size, root).unwrap();
        checkpoint.sign(&log(1)).unwrap()
    }

    fn size(memory: &Memory) -> u64 {
        memory.latest(log(1).verifier_key()).unwrap().size
    }

    #[test]
    fn the_last_checkpoint_is_remembered_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/witness");
        {
            let memory = Memory::open(&path).unwrap();
            assert_eq!(memory.latest(log(1).verifier_key()), Ok(Latest::default()));
            memory.store(&checkpoint(4)).unwrap();
            memory.store(&checkpoint(5)).unwrap();
        }
        let memory = Memory::open(&path).unwrap();
        assert_eq!(size(&memory), 5);
        let files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(files.len(), 2, "the lock and one file: {files:?}");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_crash_before_the_rename_keeps_the_old_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path()).unwrap();
        memory.store(&checkpoint(4)).unwrap();
        let temporary = memory.file(log(1).verifier_key()).with_extension("tmp");
        // Whole or torn, what was not renamed was never cosigned.
        for left in [checkpoint(9).note().to_string(), "log.exam".into()] {
            write_synced(&temporary, left.as_bytes()).unwrap();
            assert_eq!(size(&memory), 4);
        }
        memory.store(&checkpoint(5)).unwrap();
        assert_eq!(size(&memory), 5);
    }

    #[test]
    fn one_folder_has_one_witness() {
        let folder = tempfile::tempdir().unwrap();
        let first = Memory::open(folder.path()).unwrap();
        let second = Memory::open(folder.path()).err();
        assert_eq!(second, Some(WitnessError::InUse(folder.path().into())));
        drop(first);
        assert!(Memory::open(folder.path()).is_ok());
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path()).unwrap();
        memory.store(&checkpoint(4)).unwrap();
        let path = memory.file(log(1).verifier_key());
        let corrupt = Err(WitnessError::Corrupt(path.clone()));
        assert_eq!(memory.latest(log(2).verifier_key()), corrupt);
        let good = fs::read(&path).unwrap();
        for cut in [0, 1, good.len() / 2, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            assert_eq!(memory.latest(log(1).verifier_key()), corrupt, "{cut}");
        }
    }
}
