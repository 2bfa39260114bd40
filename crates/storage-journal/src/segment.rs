//! Segments: files that are made whole before their first entry, take groups page by page, and are never appended to
//! by another process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::rng::random;

use crate::codec::{self, Malformed};
use crate::disk::{self, DiskFile, PAGE, Written};
use crate::entry::Entry;
use crate::error::OpenError;
use crate::place::Place;
use crate::seal::{self, SegmentKey};

/// How long a segment that is made beside leaves the disk to what is recorded, after each part of its space.
const REST: Duration = Duration::from_millis(4);

/// A segment that takes groups.
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) key: Arc<SegmentKey>,
    /// How many pages it has.
    pub(crate) pages: u64,
}

impl Segment {
    /// Makes one of at least `bytes`: its space is allocated by writing zeros, so that a sync of what is written later
    /// has no change of the file's own data to make durable.
    pub(crate) fn make(place: &Place, bytes: u64) -> io::Result<Self> {
        Self::filled(place, bytes, || Ok(()))
    }

    /// The same, slowly: other entries are recorded meanwhile, and hardly wait for it. It is given up once nobody needs it.
    pub(crate) fn make_beside(place: &Place, bytes: u64, is_needed: impl Fn() -> bool) -> io::Result<Self> {
        Self::filled(place, bytes, || {
            std::thread::sleep(REST);
            is_needed().then_some(()).ok_or(io::ErrorKind::Interrupted.into())
        })
    }

    /// `between` comes before each part of its space but the first.
    fn filled(place: &Place, bytes: u64, between: impl Fn() -> io::Result<()>) -> io::Result<Self> {
        let number = place.number();
        let salt = random(&*place.rng);
        let journal = place.keys.first().ok_or(io::ErrorKind::InvalidInput)?;
        let key = SegmentKey::derive(&**journal, number, &salt);
        let path = place.segment(number);
        let length = bytes.next_multiple_of(PAGE as u64);
        let file = place.make(&path, |file| {
            file.write_at(&seal::header(number, &salt, &key), 0)?;
            disk::fill(file, PAGE as u64..length, between)
        })?;
        Ok(Self {
            number,
            path,
            file,
            key: Arc::new(key),
            pages: length / PAGE as u64,
        })
    }
}

/// A segment that was read.
pub(crate) struct ReadSegment {
    pub(crate) key: Arc<SegmentKey>,
    /// The groups, by their first pages.
    pub(crate) groups: Vec<(u64, Vec<Entry>)>,
    /// The last group's place and its bytes, if the process ended before it closed the segment: nobody knows whether
    /// they were ever synced.
    pub(crate) unsure: Option<(u64, Vec<u8>)>,
}

/// Reads a segment. A torn end, which nobody was ever told of, is left out; a group that does not open though another
/// after it does was altered, and one that opens and is not understood was written by another version.
pub(crate) fn read(place: &Place, number: u64) -> Result<ReadSegment, OpenError> {
    let path = place.segment(number);
    let Written { bytes, length } =
        disk::read_written(&path).map_err(|cause| OpenError::file(&path, cause))?;
    let keys = place.keys.iter().map(|key| &**key);
    let key = seal::read_header(bytes.get(..PAGE).unwrap_or_default(), number, keys)
        .ok_or_else(|| OpenError::Foreign(path.clone()))?;
    let mut groups = Vec::new();
    let (mut page, mut last) = (1, None);
    while let Ok(opened) = key.open(page, from(&bytes, page)) {
        let entries = codec::read(&opened).map_err(|Malformed| OpenError::NotUnderstood {
            file: path.clone(),
            page,
        })?;
        last = Some(page);
        groups.push((page, entries));
        page += seal::pages_of(opened.len()) as u64;
    }
    require_end(&key, &bytes, page, &path)?;
    let is_closed = page * PAGE as u64 >= length;
    let unsure = last.filter(|_| !is_closed).map(|first| {
        let (start, end) = (place_of(first), place_of(page));
        (first, bytes.get(start..end).unwrap_or_default().to_vec())
    });
    Ok(ReadSegment {
        key: Arc::new(key),
        groups,
        unsure,
    })
}

/// The entries of the group at `page` of an opened segment.
pub(crate) fn read_group(key: &SegmentKey, path: &Path, page: u64) -> io::Result<Vec<Entry>> {
    let file = File::open(path)?;
    let place = page * PAGE as u64;
    let mut first = vec![0; PAGE];
    file.read_exact_at(&mut first, place)?;
    let length = first
        .first_chunk()
        .map_or(0, |length| u32::from_be_bytes(*length));
    let mut bytes = vec![0; (4 + length as usize).next_multiple_of(PAGE)];
    file.read_exact_at(&mut bytes, place)?;
    let opened = key.open(page, &bytes).ok();
    let entries = opened.and_then(|opened| codec::read(&opened).ok());
    entries.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Refuses an end after which something still opens.
fn require_end(key: &SegmentKey, bytes: &[u8], end: u64, path: &Path) -> Result<(), OpenError> {
    let pages = (bytes.len() / PAGE) as u64;
    let is_written = |page: &u64| from(bytes, *page).iter().take(PAGE).any(|byte| *byte != 0);
    let mut after = (end + 1..pages).filter(is_written);
    if after.any(|page| key.open(page, from(bytes, page)).is_ok()) {
        return Err(OpenError::Altered {
            file: path.to_owned(),
            page: end,
        });
    }
    Ok(())
}

fn from(bytes: &[u8], page: u64) -> &[u8] {
    bytes.get(place_of(page)..).unwrap_or_default()
}

fn place_of(page: u64) -> usize {
    usize::try_from(page).unwrap_or(usize::MAX).saturating_mul(PAGE)
}
