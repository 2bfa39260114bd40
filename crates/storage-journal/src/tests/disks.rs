//! Disks that fail.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use cyberid_domain::rng::{SystemRng, random};

use crate::disk::{Disk, DiskFile, PAGE, RealDisk};

/// How the failing step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    /// Before it did anything, and every step after it too, as if the process had died there.
    Before,
    /// After it was done, and every step after it too: an error is returned, but it happened.
    After,
    /// It alone, before it did anything.
    Once,
}

/// A disk whose n-th step fails.
#[derive(Clone)]
pub(crate) struct Dying {
    steps: Arc<AtomicU64>,
    reopened: Arc<AtomicU64>,
    synced: Arc<Mutex<Vec<PathBuf>>>,
    last: u64,
    failing: Failing,
}

impl Dying {
    pub(crate) fn at(last: u64, failing: Failing) -> Arc<Self> {
        Arc::new(Self {
            steps: Arc::default(),
            reopened: Arc::default(),
            synced: Arc::default(),
            last,
            failing,
        })
    }

    /// One that never fails, and counts.
    pub(crate) fn never() -> Arc<Self> {
        Self::at(u64::MAX, Failing::Before)
    }

    /// How many files were written again that were there before.
    pub(crate) fn reopened(&self) -> u64 {
        self.reopened.load(Ordering::SeqCst)
    }

    /// Whether the names in this directory were made durable.
    pub(crate) fn has_synced(&self, directory: &Path) -> bool {
        self.synced
            .lock()
            .unwrap()
            .iter()
            .any(|synced| synced == directory)
    }

    /// Whether the failing step was reached.
    pub(crate) fn has_died(&self) -> bool {
        self.steps.load(Ordering::SeqCst) > self.last
    }

    fn take<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        if step < self.last || (step > self.last && self.failing == Failing::Once) {
            return work();
        }
        if step == self.last && self.failing == Failing::After {
            work()?;
        }
        Err(io::Error::other("the disk fails"))
    }
}

impl Disk for Dying {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.take(|| RealDisk.create(path))?;
        Ok(Box::new(DyingFile(file, self.clone())))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.reopened.fetch_add(1, Ordering::SeqCst);
        let file = self.take(|| RealDisk.reopen(path))?;
        Ok(Box::new(DyingFile(file, self.clone())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.take(|| RealDisk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.take(|| RealDisk.remove(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.take(|| RealDisk.sync_directory(path))?;
        self.synced.lock().unwrap().push(path.to_owned());
        Ok(())
    }
}

struct DyingFile(Box<dyn DiskFile>, Dying);

impl DiskFile for DyingFile {
    fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()> {
        let Self(file, disk) = self;
        disk.take(|| file.read_at(bytes, place))
    }

    fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()> {
        let Self(file, disk) = self;
        disk.take(|| file.write_at(bytes, place))
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let Self(file, disk) = self;
        disk.take(|| file.sync_data())
    }

    fn sync_all(&mut self) -> io::Result<()> {
        let Self(file, disk) = self;
        disk.take(|| file.sync_all())
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        let Self(file, disk) = self;
        disk.take(|| file.set_length(length))
    }
}

/// What the names of files that are cut end with.
const EXTENSIONS: [&str; 3] = ["segment", "head", "tmp"];

/// Pages by file and number.
type Pages = BTreeMap<PathBuf, BTreeMap<u64, Vec<u8>>>;

/// A disk that loses its power: of what was written and not synced, only some pages are there afterwards.
#[derive(Default)]
pub(crate) struct Powered {
    /// What was not synced, by file and page.
    unsynced: Arc<Mutex<Pages>>,
    /// Whether a sync does nothing at all, as if it had been forgotten.
    lies: bool,
}

impl Powered {
    pub(crate) fn new(lies: bool) -> Arc<Self> {
        Arc::new(Self {
            lies,
            ..Self::default()
        })
    }

    /// What another machine finds in a copy of the directory after the power is lost now: of what was not synced, half
    /// of the pages, by chance. Returns how many are lost.
    pub(crate) fn cut<S>(&self, copy: impl FnOnce() -> S, directory: impl Fn(&S) -> PathBuf) -> (S, usize) {
        // Nobody writes meanwhile.
        let unsynced = self.unsynced.lock().unwrap();
        let (copy, mut lost) = (copy(), 0);
        for (path, pages) in unsynced.iter() {
            let path = directory(&copy).join(path.file_name().unwrap());
            let Some(mut file) = EXTENSIONS
                .iter()
                .find_map(|extension| RealDisk.reopen(&path.with_extension(extension)).ok())
            else {
                continue;
            };
            for (page, bytes) in pages {
                if random::<1>(&SystemRng)[0].is_multiple_of(2) {
                    file.write_at(bytes, page * PAGE as u64).unwrap();
                } else {
                    lost += 1;
                }
            }
        }
        (copy, lost)
    }

    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(PoweredFile {
            file,
            path: path.with_extension(""),
            unsynced: Arc::clone(&self.unsynced),
            lies: self.lies,
        })
    }
}

impl Disk for Powered {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, RealDisk.create(path)?))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, RealDisk.reopen(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }
}

struct PoweredFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    unsynced: Arc<Mutex<Pages>>,
    lies: bool,
}

impl PoweredFile {
    fn flush(&mut self) -> io::Result<()> {
        let mut unsynced = self.unsynced.lock().unwrap();
        for (page, bytes) in unsynced.remove(&self.path).unwrap_or_default() {
            self.file.write_at(&bytes, page * PAGE as u64)?;
        }
        Ok(())
    }
}

impl DiskFile for PoweredFile {
    fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()> {
        let unsynced = self.unsynced.lock().unwrap();
        let pages = unsynced.get(&self.path);
        for (byte, place) in bytes.iter_mut().zip(place..) {
            let (page, at) = (place / PAGE as u64, usize::try_from(place % PAGE as u64).unwrap());
            let written = pages.and_then(|pages| pages.get(&page)?.get(at));
            match written {
                Some(written) => *byte = *written,
                None => self.file.read_at(std::slice::from_mut(byte), place)?,
            }
        }
        Ok(())
    }

    fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()> {
        let mut unsynced = self.unsynced.lock().unwrap();
        let pages = unsynced.entry(self.path.clone()).or_default();
        let (mut page, mut at) = (place / PAGE as u64, usize::try_from(place % PAGE as u64).unwrap());
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PAGE - at));
            let written = pages.entry(page).or_default();
            assert!(at <= written.len(), "a page is written from its beginning");
            written.truncate(at);
            written.extend(now);
            (rest, at, page) = (later, 0, page + 1);
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        // As long as a disk takes, so that the power can be lost meanwhile.
        std::thread::sleep(std::time::Duration::from_micros(500));
        if self.lies { Ok(()) } else { self.flush() }
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_all()
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.flush()?;
        self.file.set_length(length)
    }
}

/// A disk whose syncs wait for a gate to open.
#[derive(Clone, Default)]
pub(crate) struct Gated(Arc<(Mutex<bool>, Condvar)>);

impl Gated {
    /// Has every sync wait, until [`Self::open`].
    pub(crate) fn shut(&self) {
        *self.0.0.lock().unwrap() = true;
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = false;
        self.0.1.notify_all();
    }
}

/// Opens a gate at the end of a test, however it ends.
pub(crate) struct OpenAtLast(pub(crate) Gated);

impl Drop for OpenAtLast {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl Disk for Gated {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(GatedFile(RealDisk.create(path)?, self.clone())))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.reopen(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }
}

struct GatedFile(Box<dyn DiskFile>, Gated);

impl DiskFile for GatedFile {
    fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()> {
        self.0.read_at(bytes, place)
    }

    fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()> {
        self.0.write_at(bytes, place)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let (shut, opened) = &*self.1.0;
        drop(opened.wait_while(shut.lock().unwrap(), |shut| *shut).unwrap());
        self.0.sync_data()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.0.set_length(length)
    }
}
