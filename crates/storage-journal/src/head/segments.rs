//! A head's files: each is made whole, takes groups, and is used again once the store has what is in it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_domain::rng::{Rng, random};
use cyberid_storage::StorageError;
use cyberid_storage::ledger::NewLeaf;

use super::frame::{self, Group, Link, Salt};
use crate::disk::{self, Disk, DiskFile, PAGE, Written};

/// What a segment's name ends with.
const SEGMENT: &str = "head";
/// What the name of a file that is being made ends with.
const UNFINISHED: &str = "tmp";

/// A head's directory, and how its files are made.
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) rng: Arc<dyn Rng>,
}

/// A file that takes groups.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) salt: Salt,
    /// How many pages it has.
    pub(super) pages: u64,
    pub(super) file: Box<dyn DiskFile>,
}

/// What a file holds.
pub(super) struct ReadSegment {
    pub(super) segment: Segment,
    pub(super) groups: Vec<Group>,
    /// The last group's place in bytes, and its bytes: nobody knows whether they were ever synced.
    pub(super) last: Option<(u64, Vec<u8>)>,
    /// The first page behind the groups.
    pub(super) end: u64,
}

impl Place {
    /// The numbers of the segments; what a process that ended left unfinished is removed.
    pub(super) fn list(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if has_extension(&path, UNFINISHED) {
                self.disk.remove(&path)?;
            } else if is_segment(&path) {
                let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
                numbers.push(number.ok_or(io::ErrorKind::InvalidData)?);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Makes a segment of at least `bytes`: its space is allocated by writing zeros, so that a sync of what is written
    /// later has nothing but data to make durable.
    pub(super) fn make(&self, number: u64, bytes: u64) -> io::Result<Segment> {
        let unfinished = self.unfinished(number);
        let length = bytes.next_multiple_of(PAGE as u64);
        let made = self.disk.create(&unfinished).and_then(|mut file| {
            disk::fill(&mut *file, 0..length, || Ok(()))?;
            self.finish(number, file, length)
        });
        if made.is_err() {
            // A full disk needs its space. It may have its name already, or never have been there.
            let _ = self.disk.remove(&unfinished);
        }
        made
    }

    /// Makes a segment of an older one, whose groups nobody needs.
    pub(super) fn make_of(&self, old: u64, number: u64, pages: u64) -> io::Result<Segment> {
        let unfinished = self.unfinished(number);
        self.disk.rename(&self.path(old), &unfinished)?;
        let file = self.disk.reopen(&unfinished)?;
        self.finish(number, file, pages * PAGE as u64)
    }

    fn finish(&self, number: u64, mut file: Box<dyn DiskFile>, length: u64) -> io::Result<Segment> {
        let salt = random(&*self.rng);
        file.write_at(&frame::segment_page(number, &salt), 0)?;
        file.sync_all()?;
        self.disk.rename(&self.unfinished(number), &self.path(number))?;
        self.disk.sync_directory(&self.directory)?;
        Ok(Segment {
            number,
            salt,
            pages: length / PAGE as u64,
            file,
        })
    }

    /// Removes a segment whose groups nobody needs.
    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        self.disk.remove(&self.path(number))
    }

    /// Reads a segment. An end that was never finished is left out; a group that is not right though another after it is,
    /// was altered.
    pub(super) fn read(&self, number: u64) -> Result<ReadSegment, StorageError> {
        let path = self.path(number);
        let unknown = |error: io::Error| StorageError::Unknown(Box::new(error));
        let Written { bytes, length } = disk::read_written(&path).map_err(unknown)?;
        let salt = frame::read_segment_page(bytes.get(..PAGE).unwrap_or_default(), number)
            .ok_or_else(|| corrupt(&path, 0, "head's segment"))?;
        let (mut groups, mut last, mut end) = (Vec::new(), None, 1);
        while let Some(group) = frame::read_group(from(&bytes, end), &salt) {
            let whole = from(&bytes, end).get(..group.length).unwrap_or_default();
            last = Some((end * PAGE as u64, whole.to_vec()));
            end += frame::pages_of(group.length);
            groups.push(group);
        }
        let written = (bytes.len() / PAGE) as u64;
        if (end + 1..written).any(|page| frame::read_group(from(&bytes, page), &salt).is_some()) {
            return Err(corrupt(&path, end, "head's group"));
        }
        let segment = Segment {
            number,
            salt,
            pages: length / PAGE as u64,
            file: self.disk.reopen(&path).map_err(unknown)?,
        };
        Ok(ReadSegment {
            segment,
            groups,
            last,
            end,
        })
    }

    pub(super) fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:012}.{SEGMENT}"))
    }

    fn unfinished(&self, number: u64) -> PathBuf {
        self.path(number).with_extension(UNFINISHED)
    }
}

/// Whether a file of this name is a segment.
pub(super) fn is_segment(path: &Path) -> bool {
    has_extension(path, SEGMENT)
}

/// The groups of several segments as one chain.
#[derive(Default)]
pub(super) struct Chain {
    /// The link of the last group.
    pub(super) link: Option<Link>,
    /// The size of the log after it.
    pub(super) size: Option<u64>,
    pub(super) leaves: Vec<NewLeaf>,
}

impl Chain {
    /// Adds a group; `false` if it does not follow the last one. The first follows what is gone.
    pub(super) fn add(&mut self, group: &mut Group) -> bool {
        let follows = self.link.is_none_or(|link| link == group.before)
            && self.size.is_none_or(|size| size == group.size)
            && group.size.checked_add(group.leaves.len() as u64) == Some(group.head.size);
        self.link = Some(group.link);
        self.size = Some(group.head.size);
        self.leaves.append(&mut group.leaves);
        follows
    }
}

/// Says which file it is, to whoever has to see to it.
pub(super) fn corrupt(path: &Path, page: u64, what: &'static str) -> StorageError {
    tracing::error!(file = %path.display(), page, "the ledger's head was altered: nothing is signed");
    StorageError::Corrupt(what)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|has| has == extension)
}

fn from(bytes: &[u8], page: u64) -> &[u8] {
    let place = usize::try_from(page).unwrap_or(usize::MAX).saturating_mul(PAGE);
    bytes.get(place..).unwrap_or_default()
}
