//! The record of erasures and of unbound devices: one line for each, beside the backups that it has to be repeated on.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cyberid_crypto::digest::sha256_base64url;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::{Clock as _, DAY, SystemClock};
use cyberid_domain::id::SubjectId;
use cyberid_storage::erasure::Erasures;

use super::{BackupError, LIFE, StoreName};

/// For how many seconds an erasure is kept: no backup that can be put back is older, with a day to spare.
const KEPT: u64 = LIFE + DAY;

/// What the digest of a subject is for.
const USE: &[u8] = b"cyberid/v1/erased";

/// What the digest of a device is for.
const DEVICE_USE: &[u8] = b"cyberid/v1/unbound";

/// The record of a store's erasures and unbound devices. A line is a moment and the digest of a subject, which is 256 random
/// bits, or of one with the thumbprint of a device: it means nothing to whoever has not the record that it belongs to.
pub(crate) struct ErasureLog {
    path: PathBuf,
}

impl ErasureLog {
    /// The record of a store in a folder of backups; it is made if there is none.
    pub(crate) fn open(folder: &Path, store: StoreName) -> Result<Self, BackupError> {
        fs::create_dir_all(folder).map_err(BackupError::file(folder))?;
        let log = Self {
            path: Self::path(folder, store),
        };
        log.appending().map_err(BackupError::file(&log.path))?;
        sync(folder).map_err(BackupError::file(folder))?;
        Ok(log)
    }

    /// Where the record of a store is in a folder of backups.
    pub(crate) fn path(folder: &Path, store: StoreName) -> PathBuf {
        folder.join(store.as_str()).with_extension("erasures")
    }

    /// Drops what no backup that can be put back needs any more.
    pub(crate) fn forget(&self, now: UnixTime) -> Result<(), BackupError> {
        let failed = BackupError::file(&self.path);
        self.keep_since(UnixTime(now.0.saturating_sub(KEPT)))
            .map_err(failed)
    }

    fn keep_since(&self, moment: UnixTime) -> io::Result<()> {
        let _alone = self.lock()?;
        let text = fs::read_to_string(&self.path)?;
        let young = |line: &&str| time_of(line).is_none_or(|noted| noted >= moment);
        let kept: Vec<&str> = text.lines().filter(young).collect();
        if kept.len() == text.lines().count() {
            return Ok(());
        }
        let new = self.path.with_extension("erasures.new");
        let mut file = private().create(true).truncate(true).open(&new)?;
        for line in kept {
            writeln!(file, "{line}")?;
        }
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        sync_parent(&self.path)
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let _alone = self.lock()?;
        let mut file = self.appending()?;
        // What a power cut left of a line that nobody was told of is ended first.
        let is_whole = fs::read(&self.path)?.last().is_none_or(|last| *last == b'\n');
        let begun = if is_whole { "" } else { "\n" };
        file.write_all(format!("{begun}{line}\n").as_bytes())?;
        file.sync_all()
    }

    fn note_now(&self, digest: &str) -> io::Result<()> {
        self.append(&format!("{} {digest}", SystemClock.now().0))
    }

    fn appending(&self) -> io::Result<File> {
        private().create(true).append(true).open(&self.path)
    }

    /// Keeps other processes from it until dropped.
    fn lock(&self) -> io::Result<File> {
        let lock = self.path.with_extension("erasures.lock");
        let file = private().create(true).truncate(false).open(lock)?;
        file.lock()?;
        Ok(file)
    }
}

impl Erasures for ErasureLog {
    fn note(&self, subject: &SubjectId) -> io::Result<()> {
        self.note_now(&digest(subject))
    }

    fn note_unbound(&self, subject: &SubjectId, jkt: &str) -> io::Result<()> {
        self.note_now(&device_digest(subject, jkt))
    }
}

/// The erasures of a record, to be repeated.
pub(crate) struct Erased(HashSet<String>);

impl Erased {
    /// Reads a record. A last line without an end is one that nobody was told of.
    pub(crate) fn read(path: &Path) -> Result<Self, BackupError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::NoErasures(path.to_owned()));
            }
            read => read.map_err(BackupError::file(path))?,
        };
        let mut digests = HashSet::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let Some(line) = line.strip_suffix('\n') else {
                break;
            };
            match line.split_once(' ') {
                Some((_, digest)) if time_of(line).is_some() => {
                    digests.insert(digest.to_owned());
                }
                // The begun line that a power cut left.
                _ if line.len() < LINE => {}
                _ => {
                    return Err(BackupError::ErasuresAltered {
                        path: path.to_owned(),
                        line: index + 1,
                    });
                }
            }
        }
        Ok(Self(digests))
    }

    /// Whether this record was erased.
    pub(crate) fn contains(&self, subject: &SubjectId) -> bool {
        self.0.contains(&digest(subject))
    }

    /// Whether this device was unbound from this record.
    pub(crate) fn contains_device(&self, subject: &SubjectId, jkt: &str) -> bool {
        self.0.contains(&device_digest(subject, jkt))
    }
}

/// The shortest whole line: a digit, a blank, a digest.
const LINE: usize = 1 + 1 + 43;

fn digest(subject: &SubjectId) -> String {
    sha256_base64url(&[USE, subject.as_bytes()].concat())
}

fn device_digest(subject: &SubjectId, jkt: &str) -> String {
    sha256_base64url(&[DEVICE_USE, subject.as_bytes(), jkt.as_bytes()].concat())
}

/// The moment of a whole line.
fn time_of(line: &str) -> Option<UnixTime> {
    let (moment, digest) = line.split_once(' ')?;
    let whole = digest.len() == 43;
    whole.then(|| moment.parse().ok().map(UnixTime)).flatten()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync)
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    fn log(folder: &tempfile::TempDir) -> (ErasureLog, PathBuf) {
        let log = ErasureLog::open(folder.path(), StoreName::Vault).unwrap();
        (log, ErasureLog::path(folder.path(), StoreName::Vault))
    }

    #[test]
    fn what_was_noted_is_known_again_and_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = log(&folder);
        let (gone, here) = (SubjectId::random(&SystemRng), SubjectId::random(&SystemRng));
        log.note(&gone).unwrap();
        log.note(&gone).unwrap();
        let erased = Erased::read(&path).unwrap();
        assert!(erased.contains(&gone) && !erased.contains(&here));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains(&cyberid_crypto::base64url::encode(gone.as_bytes())));
    }

    #[test]
    fn an_unbound_device_is_known_again_as_that_of_its_record_only() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = log(&folder);
        let (whose, other) = (SubjectId::random(&SystemRng), SubjectId::random(&SystemRng));
        log.note_unbound(&whose, "lost").unwrap();
        let erased = Erased::read(&path).unwrap();
        assert!(erased.contains_device(&whose, "lost"));
        assert!(!erased.contains_device(&whose, "kept") && !erased.contains_device(&other, "lost"));
        assert!(!erased.contains(&whose), "the record stays");
        assert!(!fs::read_to_string(&path).unwrap().contains("lost"));
    }

    #[test]
    fn a_line_that_a_power_cut_broke_off_was_never_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = log(&folder);
        let (first, second) = (SubjectId::random(&SystemRng), SubjectId::random(&SystemRng));
        log.note(&first).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{}", &whole[..20])).unwrap();
        assert!(Erased::read(&path).unwrap().contains(&first));
        log.note(&second).unwrap();
        let erased = Erased::read(&path).unwrap();
        assert!(erased.contains(&first) && erased.contains(&second));
    }

    #[test]
    fn a_record_that_is_missing_or_altered_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = log(&folder);
        log.note(&SubjectId::random(&SystemRng)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(' ', "x")).unwrap();
        assert!(matches!(
            Erased::read(&path),
            Err(BackupError::ErasuresAltered { line: 1, .. })
        ));
        fs::remove_file(&path).unwrap();
        assert!(matches!(Erased::read(&path), Err(BackupError::NoErasures(_))));
    }

    #[test]
    fn an_erasure_is_kept_for_longer_than_any_backup() {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = log(&folder);
        let gone = SubjectId::random(&SystemRng);
        log.note(&gone).unwrap();
        let now = SystemClock.now();
        log.forget(now.plus(LIFE)).unwrap();
        assert!(Erased::read(&path).unwrap().contains(&gone));
        log.forget(now.plus(KEPT + 60)).unwrap();
        assert!(!Erased::read(&path).unwrap().contains(&gone));
    }
}
