//! What a witness must not forget: the last checkpoint of each log that it cosigned.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cyberid_crypto::digest;
use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::cosignature;
use cyberid_tlog::note::{SignedNote, VerifierKey};
use cyberid_tlog::witness::Latest;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::WitnessError;

/// The name of the file that is locked while a witness works.
const LOCK: &str = "witness.lock";

/// The name of the list of logs of which a checkpoint was cosigned: without it a lost file would be a new log.
const COSIGNED: &str = "cosigned.json";

/// A folder with one file per log, in which no other witness works.
pub(crate) struct Memory {
    folder: PathBuf,
    cosigned: Mutex<Cosigned>,
    _lock: File,
}

/// The logs of which a checkpoint was cosigned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cosigned {
    origins: BTreeSet<String>,
}

/// Who may have signed what is remembered.
pub(crate) struct Signers<'a> {
    /// The log's name.
    pub(crate) origin: &'a str,
    /// The log's keys, as they are configured now.
    pub(crate) log: &'a [VerifierKey],
    /// The witness's own key.
    pub(crate) witness: &'a VerifierKey,
}

/// A checkpoint that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// Its size and root.
    pub(crate) latest: Latest,
    /// The note, with the log's signature and this witness's cosignature.
    pub(crate) note: String,
}

impl Memory {
    /// Begins a memory for a key that has signed nothing; one that is there already stays as it is.
    pub(crate) fn begin(folder: &Path) -> Result<(), WitnessError> {
        disk::make_folder(folder).map_err(WitnessError::io(folder))?;
        let path = folder.join(COSIGNED);
        if path.exists() {
            return Ok(());
        }
        write_list(&path, &Cosigned::default())
    }

    /// Opens a memory that was begun, and locks it until this value is dropped.
    pub(crate) fn open(folder: &Path) -> Result<Self, WitnessError> {
        let cosigned = read_list(&folder.join(COSIGNED))?;
        let path = folder.join(LOCK);
        let lock = disk::open_private(&path).map_err(WitnessError::io(&path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => WitnessError::InUse(folder.into()),
            TryLockError::Error(error) => WitnessError::io(&path)(error),
        })?;
        // A process that was killed may have renamed a file and not seen it made durable.
        disk::sync_folder(folder).map_err(WitnessError::io(folder))?;
        Ok(Self {
            folder: folder.into(),
            cosigned: Mutex::new(cosigned),
            _lock: lock,
        })
    }

    /// The last checkpoint of this log that was cosigned, as its file has it now; nothing if there never was one.
    pub(crate) fn held(&self, signers: &Signers<'_>) -> Result<Option<Held>, WitnessError> {
        let path = self.file(signers.origin);
        let note = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return if self.has_cosigned(signers.origin) {
                    Err(WitnessError::Lost(path))
                } else {
                    Ok(None)
                };
            }
            read => read.map_err(WitnessError::io(&path))?,
        };
        signers.check(&note).ok_or(WitnessError::Corrupt(path)).map(Some)
    }

    /// Puts a checkpoint in the place of the last one. After `Ok` it survives a power cut; after an error either may
    /// stand, and [`Memory::held`] says which.
    pub(crate) fn store(&self, origin: &str, note: &str) -> Result<(), WitnessError> {
        let path = self.file(origin);
        disk::replace(&path, note.as_bytes()).map_err(WitnessError::io(&path))?;
        self.list(origin)
    }

    /// Lists a log of which a checkpoint is in its file: a crash may have come between the two.
    pub(crate) fn list(&self, origin: &str) -> Result<(), WitnessError> {
        if self.has_cosigned(origin) {
            return Ok(());
        }
        let mut cosigned = self.cosigned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut more = cosigned.clone();
        more.origins.insert(origin.to_owned());
        write_list(&self.folder.join(COSIGNED), &more)?;
        *cosigned = more;
        Ok(())
    }

    fn has_cosigned(&self, origin: &str) -> bool {
        let cosigned = self.cosigned.lock().unwrap_or_else(PoisonError::into_inner);
        cosigned.origins.contains(origin)
    }

    /// A log's name may hold any character; the name of its file does not.
    fn file(&self, origin: &str) -> PathBuf {
        let name = digest::sha256_base64url(origin.as_bytes());
        self.folder.join(format!("{name}.checkpoint"))
    }
}

impl Signers<'_> {
    /// Accepts what this witness or the log has signed: of the two keys one may have been changed since.
    fn check(&self, note: &[u8]) -> Option<Held> {
        let note = SignedNote::parse(note).ok()?;
        let own = matches!(cosignature::verify(&note, self.witness), Ok(Some(_)));
        let checkpoint: Checkpoint = note.text().parse().ok()?;
        let signed = own || note.verify(self.log).is_ok();
        (signed && checkpoint.origin() == self.origin).then(|| Held {
            latest: Latest {
                size: checkpoint.size(),
                root: checkpoint.root(),
            },
            note: note.to_string(),
        })
    }
}

fn read_list(path: &Path) -> Result<Cosigned, WitnessError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(WitnessError::Lost(path.into())),
        read => {
            let bytes = read.map_err(WitnessError::io(path))?;
            serde_json::from_slice(&bytes).map_err(|_| WitnessError::Corrupt(path.into()))
        }
    }
}

fn write_list(path: &Path, cosigned: &Cosigned) -> Result<(), WitnessError> {
    let bytes = serde_json::to_vec_pretty(cosigned).map_err(|_| WitnessError::Corrupt(path.into()))?;
    disk::replace(path, &bytes).map_err(WitnessError::io(path))
}

#[cfg(test)]
mod tests {
    use cyberid_tlog::cosignature::cosign;
    use cyberid_tlog::hash::leaf_hash;
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    use super::*;

    const ORIGIN: &str = "log.example/../x";

    fn log(seed: u8) -> VerifierKey {
        signer(seed).verifier_key().clone()
    }

    fn signer(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(ORIGIN, &[seed; 32]).ok().unwrap()
    }

    fn witness(seed: u8) -> Ed25519Signer {
        Ed25519Signer::cosigner_from_seed("w", &[seed; 32]).ok().unwrap()
    }

    fn note(size: u64) -> String {
        let checkpoint = Checkpoint::new(ORIGIN, size, leaf_hash(&size.to_be_bytes())).unwrap();
        let mut checkpoint = checkpoint.sign(&signer(1)).unwrap();
        let line = cosign(&checkpoint, 1, &witness(7)).unwrap();
        checkpoint.add_cosignature(line).unwrap();
        checkpoint.note().to_string()
    }

    fn begun() -> (TempDir, Memory) {
        let folder = tempfile::tempdir().unwrap();
        Memory::begin(folder.path()).unwrap();
        let memory = Memory::open(folder.path()).unwrap();
        (folder, memory)
    }

    /// What is held, for a log and a witness with the keys of these seeds.
    fn held(memory: &Memory, log_seed: u8, witness_seed: u8) -> Result<Option<u64>, WitnessError> {
        let (log, witness) = ([log(log_seed)], witness(witness_seed));
        let signers = Signers {
            origin: ORIGIN,
            log: &log,
            witness: witness.verifier_key(),
        };
        memory
            .held(&signers)
            .map(|held| held.map(|held| held.latest.size))
    }

    #[test]
    fn the_last_checkpoint_is_remembered_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/witness");
        Memory::begin(&path).unwrap();
        {
            let memory = Memory::open(&path).unwrap();
            assert_eq!(held(&memory, 1, 7), Ok(None));
            memory.store(ORIGIN, &note(4)).unwrap();
            memory.store(ORIGIN, &note(5)).unwrap();
        }
        Memory::begin(&path).unwrap();
        let memory = Memory::open(&path).unwrap();
        assert_eq!(held(&memory, 1, 7), Ok(Some(5)));
        let files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(files.len(), 3, "the lock, the list and one file: {files:?}");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_crash_before_the_rename_keeps_the_old_checkpoint() {
        let (_folder, memory) = begun();
        memory.store(ORIGIN, &note(4)).unwrap();
        let temporary = memory.file(ORIGIN).with_extension("tmp");
        // Whole or torn, what was not renamed was never cosigned.
        for left in [note(9), "log.exam".into()] {
            fs::write(&temporary, left).unwrap();
            assert_eq!(held(&memory, 1, 7), Ok(Some(4)));
        }
        memory.store(ORIGIN, &note(5)).unwrap();
        assert_eq!(held(&memory, 1, 7), Ok(Some(5)));
    }

    #[test]
    fn a_crash_between_the_checkpoint_and_the_list_loses_nothing() {
        let (folder, memory) = begun();
        let list = folder.path().join(COSIGNED);
        let before = fs::read(&list).unwrap();
        memory.store(ORIGIN, &note(4)).unwrap();
        assert_ne!(fs::read(&list).unwrap(), before);
        drop(memory);
        fs::write(&list, before).unwrap();
        let memory = Memory::open(folder.path()).unwrap();
        assert_eq!(held(&memory, 1, 7), Ok(Some(4)));
        memory.list(ORIGIN).unwrap();
        fs::remove_file(memory.file(ORIGIN)).unwrap();
        assert!(matches!(held(&memory, 1, 7), Err(WitnessError::Lost(_))));
    }

    #[test]
    fn one_folder_has_one_witness() {
        let (folder, first) = begun();
        let second = Memory::open(folder.path()).err();
        assert_eq!(second, Some(WitnessError::InUse(folder.path().into())));
        drop(first);
        assert!(Memory::open(folder.path()).is_ok());
    }

    #[test]
    fn what_was_lost_is_not_taken_for_a_beginning() {
        let (folder, memory) = begun();
        memory.store(ORIGIN, &note(4)).unwrap();
        let path = memory.file(ORIGIN);
        fs::remove_file(&path).unwrap();
        assert_eq!(held(&memory, 1, 7), Err(WitnessError::Lost(path.clone())));
        drop(memory);
        let memory = Memory::open(folder.path()).unwrap();
        assert_eq!(held(&memory, 1, 7), Err(WitnessError::Lost(path)));
        drop(memory);
        let list = folder.path().join(COSIGNED);
        fs::write(&list, "{\"origins\": [").unwrap();
        assert_eq!(
            Memory::open(folder.path()).err(),
            Some(WitnessError::Corrupt(list.clone()))
        );
        fs::remove_file(&list).unwrap();
        assert_eq!(Memory::open(folder.path()).err(), Some(WitnessError::Lost(list)));
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_an_empty_log() {
        let (_folder, memory) = begun();
        memory.store(ORIGIN, &note(4)).unwrap();
        let path = memory.file(ORIGIN);
        let good = fs::read(&path).unwrap();
        for cut in [0, 1, good.len() / 2, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            assert_eq!(
                held(&memory, 1, 7),
                Err(WitnessError::Corrupt(path.clone())),
                "{cut}"
            );
        }
        let other = String::from_utf8(good).unwrap().replacen("\n4\n", "\n3\n", 1);
        fs::write(&path, other).unwrap();
        assert_eq!(held(&memory, 1, 7), Err(WitnessError::Corrupt(path)));
    }

    #[test]
    fn either_of_the_two_keys_may_have_changed_since() {
        let (_folder, memory) = begun();
        memory.store(ORIGIN, &note(4)).unwrap();
        assert_eq!(held(&memory, 2, 7), Ok(Some(4)), "another log key");
        assert_eq!(held(&memory, 1, 8), Ok(Some(4)), "another witness key");
        let path = memory.file(ORIGIN);
        assert_eq!(held(&memory, 2, 8), Err(WitnessError::Corrupt(path)));
    }
}
