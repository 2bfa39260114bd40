//! The journal under every kind of misfortune.

pub(crate) mod disks;
mod faults;
mod kinds;
mod segments;
mod settling;
mod small;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_crypto::{Mac, MacKey};
use cyberid_domain::clock::ManualClock;
use cyberid_domain::rng::SystemRng;
use cyberid_storage::journal::{Journal as _, Visit};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Verifications as _};
use tempfile::TempDir;

use crate::disk::{Disk, RealDisk};
use crate::sample::{self, NOW};
use crate::{FileJournal, OpenError, Options};

/// A directory that a journal is opened in again and again.
struct Scene {
    folder: TempDir,
    clock: Arc<ManualClock>,
    options: Options,
}

impl Scene {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::new(NOW)),
            options: Options {
                first_segment: 1 << 15,
                largest_segment: 1 << 18,
                ..Options::default()
            },
        }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn open(&self) -> FileJournal {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<FileJournal, OpenError> {
        self.open_on(Arc::new(RealDisk))
    }

    fn open_on(&self, disk: Arc<dyn Disk>) -> Result<FileJournal, OpenError> {
        self.open_with(disk, &[1])
    }

    /// Opens it with the keys of these names, the newest first.
    fn open_with(&self, disk: Arc<dyn Disk>, keys: &[u8]) -> Result<FileJournal, OpenError> {
        let keys = keys.iter().map(|name| key(*name)).collect();
        let (clock, rng) = (self.clock.clone(), Arc::new(SystemRng));
        FileJournal::open_on(disk, &self.directory(), keys, clock, rng, self.options)
    }

    /// The files of the directory whose names end so, in order.
    fn files(&self, end: &str) -> Vec<PathBuf> {
        files(&self.directory(), end)
    }

    /// A copy, as another machine would find it after this one died.
    fn copy(&self) -> Self {
        let copy = Self {
            clock: self.clock.clone(),
            options: self.options,
            ..Self::new()
        };
        std::fs::create_dir(copy.directory()).unwrap();
        // The segment prepared beside is renamed when it is whole: what has vanished is there under its other name.
        for _ in 0..2 {
            for file in self.files("") {
                let there = copy.directory().join(file.file_name().unwrap());
                if there.exists() {
                    continue;
                }
                match std::fs::copy(&file, there) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    copied => drop(copied.unwrap()),
                }
            }
        }
        copy
    }
}

fn key(name: u8) -> Arc<dyn Mac> {
    Arc::new(MacKey::new([name; 32].into()))
}

fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|file| file.to_string_lossy().ends_with(end))
        .collect();
    files.sort();
    files
}

/// A direct answer that was acknowledged.
async fn visited(journal: &FileJournal) -> (SingleUse, Visit) {
    let (proof, visit) = (sample::proof(), sample::visit());
    let answered = journal.conclude_direct(&proof, &visit).await.unwrap();
    assert_eq!(answered, Answered::Now);
    (proof, visit)
}

/// Whether a proof was used; it is used thereafter.
async fn is_used(journal: &FileJournal, proof: &SingleUse) -> bool {
    let answered = journal.conclude_direct(proof, &sample::visit()).await.unwrap();
    answered == Answered::Replayed
}

/// How often a visit is there.
async fn times(journal: &FileJournal, visit: &Visit) -> usize {
    let sealed = journal.visits(visit.day, &visit.tag).await.unwrap();
    assert!(sealed.iter().all(|sealed| *sealed == visit.sealed));
    sealed.len()
}
