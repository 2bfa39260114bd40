//! The ledger's head in files of its own: what has to be durable before a leaf is acknowledged costs two writes and one
//! sync.
//!
//! In scope: [`LedgerHead`] over one directory that one process holds. Not in scope: what is signed, and whether the
//! store agrees with it (`cyberid-ledger`).
//!
//! **How.** Groups go into *segments*: files that were made whole beforehand, each group on pages of its own and tied to the
//! one before it ([`frame`]). When one is full the next is there already, mostly made of an older one whose leaves are
//! settled. What is read at the start is the chain of groups up to the last whole one, which is written and synced
//! again: a system whose sync failed may show what it never kept.
//!
//! **What fails.** An error of a write or a sync is "unknown": nothing more is taken before everything was read anew. An
//! unfinished end was never acknowledged, and is left out. A group that is not right before one that is, or one that does
//! not follow the last, was altered, and nothing is given.

mod error;
mod frame;
mod segments;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cyberid_domain::rng::Rng;
use cyberid_storage::head::{Head, Held, LedgerHead, Mark, Staged};
use cyberid_storage::ledger::NewLeaf;
use cyberid_storage::{Result, StorageError, Synchronous};

pub use error::HeadError;

use crate::disk::{self, Disk, PAGE, RealDisk};
use frame::{FIRST, SEAL_ROOM};
use segments::{Chain, Place, ReadSegment, Segment, corrupt};
use state::{Full, State};

/// The file that is locked while a process has the head.
const LOCK: &str = "lock";

/// How a head's files are cut and synced.
#[derive(Debug, Clone, Copy)]
pub struct HeadOptions {
    /// The size in bytes of the first segment; one that fills is followed by a larger one.
    pub first_segment: u64,
    /// The largest size of a segment in bytes; only a group that needs more gets more.
    pub largest_segment: u64,
    /// Whether a group is synced before it is acknowledged.
    pub synchronous: Synchronous,
}

impl Default for HeadOptions {
    fn default() -> Self {
        Self {
            first_segment: 1 << 20,
            largest_segment: 1 << 26,
            synchronous: Synchronous::Full,
        }
    }
}

/// The head of a directory.
pub struct FileHead {
    place: Place,
    options: HeadOptions,
    /// Held by whoever makes, removes or reads files; taken before `state`.
    files: Mutex<()>,
    /// Nothing before it was read, and after an error.
    state: Mutex<Option<State>>,
    /// How often it was read: what was staged before a reading is nothing after it.
    loads: AtomicU64,
    lock: Mutex<Option<File>>,
}

/// Nothing is known of what is stored.
#[derive(Debug, thiserror::Error)]
#[error("the head has to be read anew")]
struct Unread;

impl FileHead {
    /// Makes the head of a new log; there must be none.
    pub fn create(
        directory: impl AsRef<Path>,
        rng: Arc<dyn Rng>,
        options: HeadOptions,
    ) -> std::result::Result<Self, HeadError> {
        Self::create_on(Arc::new(RealDisk), directory.as_ref(), rng, options)
    }

    /// Opens a head. It is never made here: a log that has lost its head must not be signed again.
    pub fn open(
        directory: impl AsRef<Path>,
        rng: Arc<dyn Rng>,
        options: HeadOptions,
    ) -> std::result::Result<Self, HeadError> {
        Self::open_on(Arc::new(RealDisk), directory.as_ref(), rng, options)
    }

    /// Whether a head was made in this directory.
    pub fn is_there(directory: impl AsRef<Path>) -> bool {
        let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
        files.into_iter().any(|file| segments::is_segment(&file.path()))
    }

    /// Lets others have it, once nothing is made or removed here; nothing more is taken.
    pub fn close(&self) {
        let _files = lock(&self.files);
        *self.state() = None;
        *lock(&self.lock) = None;
    }

    pub(crate) fn create_on(
        disk: Arc<dyn Disk>,
        directory: &Path,
        rng: Arc<dyn Rng>,
        options: HeadOptions,
    ) -> std::result::Result<Self, HeadError> {
        let fault = fault_in(directory);
        disk::make_directory(directory).map_err(&fault)?;
        let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
        disk.sync_directory(above.unwrap_or(Path::new(".")))
            .map_err(&fault)?;
        let head = Self::taken(disk, directory, rng, options)?;
        // Not before this process has the lock: another one may be making it.
        if !head.place.list().map_err(&fault)?.is_empty() {
            return Err(HeadError::Exists(directory.to_owned()));
        }
        head.place.make(0, options.first_segment).map_err(&fault)?;
        Ok(head)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        directory: &Path,
        rng: Arc<dyn Rng>,
        options: HeadOptions,
    ) -> std::result::Result<Self, HeadError> {
        if !Self::is_there(directory) {
            return Err(HeadError::Missing(directory.to_owned()));
        }
        Self::taken(disk, directory, rng, options)
    }

    fn taken(
        disk: Arc<dyn Disk>,
        directory: &Path,
        rng: Arc<dyn Rng>,
        options: HeadOptions,
    ) -> std::result::Result<Self, HeadError> {
        let taken = disk::lock(&directory.join(LOCK)).map_err(fault_in(directory))?;
        let taken = taken.ok_or_else(|| HeadError::Locked(directory.to_owned()))?;
        let place = Place {
            directory: directory.to_owned(),
            disk,
            rng,
        };
        Ok(Self {
            place,
            options,
            files: Mutex::new(()),
            state: Mutex::new(None),
            loads: AtomicU64::new(0),
            lock: Mutex::new(Some(taken)),
        })
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        lock(&self.state)
    }

    /// Reads every segment, from the last one back to where one is missing: what was before that was settled, and goes
    /// when the store is known to have it.
    fn read(&self) -> Result<(Option<Held>, State)> {
        let numbers = self.place.list().map_err(unknown)?;
        // The last process may have named a segment and ended before its name was durable.
        let directory = &self.place.directory;
        self.place.disk.sync_directory(directory).map_err(unknown)?;
        let mut first = numbers.len();
        while first > 0 && follows(&numbers, first) {
            first -= 1;
        }
        let mut read = VecDeque::new();
        for number in numbers.get(first..).unwrap_or_default() {
            read.push_back(self.place.read(*number)?);
        }
        let (held, mut state) = self.restored(read)?;
        let size = held.as_ref().map_or(0, Held::first);
        for number in numbers.get(..first).unwrap_or_default().iter().rev() {
            state.full.push_front(Full {
                number: *number,
                pages: 0,
                size,
            });
        }
        Ok((held, state))
    }

    fn restored(&self, mut read: VecDeque<ReadSegment>) -> Result<(Option<Held>, State)> {
        let (mut chain, mut head, mut full) = (Chain::default(), None, VecDeque::new());
        // The last segment with a group takes more, and the one after it is the next.
        let used = read.iter().filter(|segment| !segment.groups.is_empty()).count();
        for segment in &mut read {
            let path = self.place.path(segment.segment.number);
            for group in &mut segment.groups {
                if !chain.add(group) {
                    return Err(corrupt(&path, 0, "head's chain"));
                }
                head = Some(group.head.clone());
            }
        }
        for _ in 1..used {
            let segment = read.pop_front().filter(|segment| !segment.groups.is_empty());
            let segment = segment.ok_or(StorageError::Corrupt("head's chain"))?;
            full.push_back(Full {
                number: segment.segment.number,
                pages: segment.segment.pages,
                size: segment.groups.last().map_or(0, |group| group.head.size),
            });
        }
        let mut current = read.pop_front().ok_or(StorageError::Corrupt("head's segment"))?;
        if let Some((place, bytes)) = &current.last {
            make_sure(&mut current.segment, *place, bytes).map_err(unknown)?;
        }
        let next = read.pop_front().map(|next| next.segment);
        // A log that was never signed has its first segment, and no later one has all of what was signed before it.
        let is_new = used == 0 && current.segment.number == 0;
        if current.groups.is_empty() && !is_new || !read.is_empty() {
            return Err(StorageError::Corrupt("head's chain"));
        }
        let state = State {
            full,
            segment: current.segment,
            page: current.end,
            next,
            mark: head.as_ref().map(Head::mark),
            link: chain.link.unwrap_or(FIRST),
            ticket: self.loads.fetch_add(1, Ordering::Relaxed) << 32,
            buffers: Vec::new(),
        };
        let leaves = chain.leaves;
        Ok((head.map(|head| Held { head, leaves }), state))
    }

    /// Goes on in the next segment, which has to have so many pages.
    fn turn(&self, pages: u64) -> Result<()> {
        let _files = lock(&self.files);
        let (number, size) = {
            let mut state = self.state();
            let state = state.as_mut().ok_or_else(unread)?;
            // A segment without groups is made anew: one that was left behind empty would part the chain.
            let is_empty = state.page == 1;
            if !is_empty {
                if let Some(next) = state.next.take_if(|next| next.pages > pages) {
                    state.enter(next);
                    return Ok(());
                }
                if let Some(unfit) = state.next.take() {
                    self.place.remove(unfit.number).map_err(unknown)?;
                }
            }
            (state.next_number() - u64::from(is_empty), self.next_size(state))
        };
        let size = size.max((pages + 1) * PAGE as u64);
        let made = self.place.make(number, size).map_err(unknown)?;
        self.state().as_mut().ok_or_else(unread)?.enter(made);
        Ok(())
    }

    fn next_size(&self, state: &State) -> u64 {
        (state.segment.pages * PAGE as u64)
            .saturating_mul(2)
            .min(self.options.largest_segment)
            .max(self.options.first_segment)
    }

    /// Removes the segments that are settled, and prepares the next one, of one of them if it is large enough.
    fn tidy(&self, size: u64) -> Result<()> {
        let _files = lock(&self.files);
        let (mut settled, wanted) = {
            let mut state = self.state();
            let Some(state) = state.as_mut() else {
                return Ok(());
            };
            let settled = state.take_settled(size);
            let is_wanted = state.next.is_none() && state.page > state.segment.pages / 2;
            let wanted = is_wanted.then(|| (state.next_number(), self.next_size(state)));
            (settled, wanted)
        };
        let mut made = None;
        if let Some((number, size)) = wanted {
            let reused = settled.iter().position(|old| old.pages * PAGE as u64 >= size);
            let reused = reused.map(|at| settled.remove(at));
            made = Some(match reused {
                Some(old) => self.place.make_of(old.number, number, old.pages),
                None => self.place.make(number, size),
            });
        }
        for old in settled {
            warn(self.place.remove(old.number));
        }
        if let Some(made) = made {
            let next = made.map_err(unknown)?;
            if let Some(state) = self.state().as_mut() {
                state.next = Some(next);
            }
        }
        Ok(())
    }
}

impl LedgerHead for FileHead {
    fn load(&self) -> Result<Option<Held>> {
        let _files = lock(&self.files);
        let mut state = self.state();
        *state = None;
        if lock(&self.lock).is_none() {
            return Err(unread());
        }
        let (held, read) = self.read()?;
        *state = Some(read);
        Ok(held)
    }

    fn stage(&self, size: u64, leaves: &[NewLeaf]) -> Result<Staged> {
        let staged = self.staged(size, leaves);
        staged.inspect_err(|_| *self.state() = None)
    }

    fn advance(&self, staged: Staged, was: Option<Mark>, head: &Head) -> Result<bool> {
        let mut guard = self.state();
        let state = guard.as_mut().ok_or_else(unread)?;
        if staged.ticket != state.ticket || state.mark != was {
            return Ok(false);
        }
        let advanced = state.advance(staged, head, self.options.synchronous);
        if advanced.is_err() {
            *guard = None;
        }
        advanced.map(|()| true)
    }

    fn settled(&self, size: u64) -> Result<()> {
        self.tidy(size)
    }
}

impl FileHead {
    fn staged(&self, size: u64, leaves: &[NewLeaf]) -> Result<Staged> {
        loop {
            let pages = {
                let mut state = self.state();
                let state = state.as_mut().ok_or_else(unread)?;
                let mut group = state.buffer();
                frame::put_leaves(&mut group, &state.segment.salt, &state.link, size, leaves);
                let pages = frame::pages_of(group.len() + SEAL_ROOM);
                if state.page + pages <= state.segment.pages {
                    return state.stage(size, group);
                }
                pages
            };
            self.turn(pages)?;
        }
    }
}

/// Whether the segment before this one is the one that it follows.
fn follows(numbers: &[u64], at: usize) -> bool {
    let after = numbers.get(at).copied();
    let before = numbers.get(at - 1).copied();
    after.is_none_or(|after| before.is_some_and(|before| before.checked_add(1) == Some(after)))
}

/// Writes again what the last process may not have synced, in the same place.
fn make_sure(segment: &mut Segment, place: u64, bytes: &[u8]) -> io::Result<()> {
    segment.file.write_at(bytes, place)?;
    segment.file.sync_data()
}

fn unknown(error: io::Error) -> StorageError {
    StorageError::Unknown(Box::new(error))
}

fn unread() -> StorageError {
    StorageError::Unknown(Box::new(Unread))
}

fn fault_in(directory: &Path) -> impl Fn(io::Error) -> HeadError {
    |cause| HeadError::File {
        directory: directory.to_owned(),
        cause,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn warn(done: io::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "a file of the ledger's head keeps space that it does not need");
    }
}
