//! Where a journal lies, by which keys, and how its files are named.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cyberid_crypto::Mac;
use cyberid_domain::UnixTime;
use cyberid_domain::rng::Rng;

use crate::disk::{Disk, DiskFile};

/// What a segment's name ends with.
const SEGMENT: &str = "segment";
/// What the name of a run of visits ends with.
const RUN: &str = "visits";
/// What the name of a file that is being made ends with.
pub(crate) const UNFINISHED: &str = "tmp";

/// A journal's directory, keys and numbers.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) rng: Arc<dyn Rng>,
    /// The key that new segments are sealed under, and after it those that older ones were.
    pub(crate) keys: Vec<Arc<dyn Mac>>,
    /// The number of the next file: no two files of a journal have one.
    next: AtomicU64,
}

/// What a file of the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Entries, as they came.
    Segment(u64),
    /// Visits of one day, sorted.
    Run(RunName),
    /// Begun by a process that ended before it was done.
    Unfinished,
}

/// What a run holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunName {
    pub(crate) day: UnixTime,
    /// The length of every sealed record in it.
    pub(crate) sealed: u32,
    /// How often its visits were merged.
    pub(crate) level: u32,
    pub(crate) number: u64,
}

impl Place {
    /// A place whose next file has this number.
    pub(crate) fn new(
        directory: PathBuf,
        disk: Arc<dyn Disk>,
        rng: Arc<dyn Rng>,
        keys: Vec<Arc<dyn Mac>>,
        next: u64,
    ) -> Self {
        Self {
            directory,
            disk,
            rng,
            keys,
            next: AtomicU64::new(next),
        }
    }

    /// A number that no other file has.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a file whole and durable under its name. What did not become so goes at once: a full disk needs its space.
    pub(crate) fn make(
        &self,
        path: &Path,
        write: impl FnOnce(&mut dyn DiskFile) -> io::Result<()>,
    ) -> io::Result<Box<dyn DiskFile>> {
        let unfinished = path.with_extension(UNFINISHED);
        let made = self.make_as(&unfinished, path, write);
        if made.is_err() {
            // It may have its name already, or never have been there.
            let _ = self.disk.remove(&unfinished);
        }
        made
    }

    fn make_as(
        &self,
        unfinished: &Path,
        path: &Path,
        write: impl FnOnce(&mut dyn DiskFile) -> io::Result<()>,
    ) -> io::Result<Box<dyn DiskFile>> {
        let mut file = self.disk.create(unfinished)?;
        write(&mut *file)?;
        file.sync_all()?;
        self.disk.rename(unfinished, path)?;
        self.disk.sync_directory(&self.directory)?;
        Ok(file)
    }

    /// The file of a segment.
    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:012}.{SEGMENT}"))
    }

    /// The file of a run.
    pub(crate) fn run(&self, run: &RunName) -> PathBuf {
        let RunName {
            day,
            sealed,
            level,
            number,
        } = run;
        let name = format!("{:012}-{sealed}-{level}-{number:012}.{RUN}", day.0);
        self.directory.join(name)
    }
}

/// What the file of this name is; nothing if it is none of the journal's.
pub(crate) fn name_of(path: &Path) -> Option<Name> {
    let stem = path.file_stem()?.to_str()?;
    match path.extension()?.to_str()? {
        SEGMENT => stem.parse().ok().map(Name::Segment),
        RUN => run_name(stem).map(Name::Run),
        UNFINISHED => Some(Name::Unfinished),
        _ => None,
    }
}

fn run_name(stem: &str) -> Option<RunName> {
    let mut parts = stem.split('-');
    let name = RunName {
        day: UnixTime(parts.next()?.parse().ok()?),
        sealed: parts.next()?.parse().ok()?,
        level: parts.next()?.parse().ok()?,
        number: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(name)
}
