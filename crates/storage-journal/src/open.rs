//! Opening: what the files say becomes the state, before anything is asked of it.

use std::path::Path;

use crate::disk::{self, Disk};
use crate::error::OpenError;
use crate::options::Options;
use crate::place::{Name, Place, RunName, name_of};
use crate::segment::{self, ReadSegment};
use crate::state::State;
use crate::unsettled::Unsettled;

/// The file that is locked while a process has the journal.
const LOCK: &str = "lock";

/// What a directory held.
pub(crate) struct Found {
    pub(crate) segments: Vec<u64>,
    pub(crate) runs: Vec<RunName>,
    /// The number after the last that a file has.
    pub(crate) next: u64,
}

/// Makes the directory if need be, durably, and takes it for this process alone.
pub(crate) fn take(directory: &Path, disk: &dyn Disk) -> Result<std::fs::File, OpenError> {
    let fault = |cause| OpenError::file(directory, cause);
    disk::make_directory(directory).map_err(fault)?;
    // Whoever made it may have ended before this.
    let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
    disk.sync_directory(above.unwrap_or(Path::new(".")))
        .map_err(fault)?;
    let lock = disk::lock(&directory.join(LOCK)).map_err(fault)?;
    lock.ok_or_else(|| OpenError::Locked(directory.to_owned()))
}

/// What is in the directory; what a process that ended left unfinished is removed.
pub(crate) fn list(directory: &Path, disk: &dyn Disk) -> Result<Found, OpenError> {
    let fault = |cause| OpenError::file(directory, cause);
    let (mut segments, mut runs) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        match name_of(&path) {
            Some(Name::Segment(number)) => segments.push(number),
            Some(Name::Run(run)) => runs.push(run),
            Some(Name::Unfinished) => remove(disk, &path)?,
            None => {}
        }
    }
    segments.sort_unstable();
    let last = runs
        .iter()
        .map(|run| run.number)
        .chain(segments.iter().copied())
        .max();
    Ok(Found {
        segments,
        runs,
        next: last.map_or(0, |last| last + 1),
    })
}

/// Reads the segments, oldest first, into a state.
pub(crate) fn read(
    place: &Place,
    numbers: &[u64],
    options: &Options,
) -> Result<(State, Vec<Unsettled>), OpenError> {
    let mut state = State::new(options.verifications, options.proofs);
    let mut segments = Vec::with_capacity(numbers.len());
    let mut unsure = None;
    for number in numbers {
        let read = segment::read(place, *number)?;
        if read.groups.is_empty() {
            remove(&*place.disk, &place.segment(*number))?;
            continue;
        }
        unsure = read.unsure.clone().map(|unsure| (place.segment(*number), unsure));
        segments.push(restore(&mut state, *number, read));
    }
    if let Some((path, (page, bytes))) = unsure {
        make_sure(place, &path, page, &bytes)?;
    }
    Ok((state, segments))
}

fn restore(state: &mut State, number: u64, read: ReadSegment) -> Unsettled {
    let mut segment = Unsettled::new(number, read.key);
    for (page, entries) in read.groups {
        for entry in entries {
            segment.note(&entry, page, state);
            state.show(entry);
        }
    }
    segment.close();
    segment
}

/// Writes again what the last process may not have synced, in the same place: a system whose sync failed may have
/// shown it to us without ever keeping it.
fn make_sure(place: &Place, path: &Path, page: u64, bytes: &[u8]) -> Result<(), OpenError> {
    let write = || {
        let mut file = place.disk.reopen(path)?;
        file.write_at(bytes, page * disk::PAGE as u64)?;
        file.sync_data()
    };
    write().map_err(|cause| OpenError::file(path, cause))
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), OpenError> {
    disk.remove(path).map_err(|cause| OpenError::file(path, cause))
}
