//! What is durable in the head and on its way to the store.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cyberid_storage::StorageError;

use crate::error::LedgerError;
use crate::writer::Signed;

/// How long leaves wait for others that share a transaction of the store with them, when nobody waits for them.
const LINGER: Duration = Duration::from_millis(250);

/// How many leaves wait for nothing.
const ENOUGH: usize = 16_384;

/// How many leaves one transaction has, apart from the last group's.
const BATCH: usize = 32_768;

/// How many leaves there are before the sequencer waits.
const MOST: usize = 1 << 17;

/// The backlog: the sequencer adds to it, the publisher takes from it.
pub(crate) struct Backlog {
    inside: Mutex<Inside>,
    /// Something is to be done.
    work: Condvar,
    /// Something was done.
    room: Condvar,
    /// The size of the log in the store.
    published: AtomicU64,
}

#[derive(Default)]
struct Inside {
    groups: VecDeque<Signed>,
    leaves: usize,
    since: Option<Instant>,
    /// The size that somebody waits for.
    wanted: u64,
    /// The store's last error, until it works again.
    failing: Option<Arc<StorageError>>,
    /// Nothing more is added.
    is_closed: bool,
    /// Nothing more is taken.
    is_stopped: bool,
}

impl Backlog {
    /// Nothing waits, and the store has the leaves below `published`.
    pub(crate) fn new(published: u64) -> Self {
        Self {
            inside: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            published: AtomicU64::new(published),
        }
    }

    /// The size of the log in the store.
    pub(crate) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Adds a group.
    pub(crate) fn push(&self, signed: Signed) {
        let mut inside = self.lock();
        inside.leaves += signed.leaves.len();
        inside.since.get_or_insert_with(Instant::now);
        inside.groups.push_back(signed);
        // Otherwise the publisher looks by itself when the time has come.
        let is_first = inside.groups.len() == 1;
        let is_due = inside.is_due();
        drop(inside);
        if is_first || is_due {
            self.work.notify_one();
        }
    }

    /// Waits while too many leaves are on their way.
    ///
    /// # Errors
    ///
    /// The store fails, so that there may never be room; or the publisher has stopped for good.
    pub(crate) fn wait_for_room(&self) -> Result<(), LedgerError> {
        let mut inside = self.lock();
        loop {
            if inside.is_stopped {
                return Err(LedgerError::Stopped);
            }
            if inside.leaves < MOST {
                return Ok(());
            }
            if let Some(error) = &inside.failing {
                return Err(LedgerError::Unknown(Arc::clone(error)));
            }
            inside = wait(&self.room, inside);
        }
    }

    /// Somebody waits for the log of this size: it is brought to the store at once.
    pub(crate) fn want(&self, size: u64) {
        let mut inside = self.lock();
        inside.wanted = inside.wanted.max(size);
        drop(inside);
        self.work.notify_one();
    }

    /// Groups for one transaction, once it is time; nothing at the end.
    pub(crate) fn next(&self) -> Option<Vec<Signed>> {
        let mut inside = self.lock();
        loop {
            if inside.groups.is_empty() {
                if inside.is_closed {
                    return None;
                }
                inside = wait(&self.work, inside);
                continue;
            }
            let left = LINGER.saturating_sub(inside.since.map_or(LINGER, |since| since.elapsed()));
            if inside.is_due() || inside.is_wanted(self.published()) || left.is_zero() {
                return Some(inside.batch());
            }
            inside = wait_for(&self.work, inside, left);
        }
    }

    /// The store has what was taken last.
    pub(crate) fn done(&self, size: u64, leaves: usize) {
        self.published.store(size, Ordering::Release);
        let mut inside = self.lock();
        inside.leaves -= leaves.min(inside.leaves);
        inside.failing = None;
        drop(inside);
        self.room.notify_all();
    }

    /// The store failed: rests before the next attempt, or until somebody asks for it.
    pub(crate) fn failed(&self, error: &Arc<StorageError>, rest: Duration) {
        let mut inside = self.lock();
        inside.failing = Some(Arc::clone(error));
        inside.wanted = 0;
        self.room.notify_all();
        let end = Instant::now() + rest;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || inside.wanted > 0 || inside.is_closed {
                return;
            }
            inside = wait_for(&self.work, inside, left);
        }
    }

    /// Nothing more is added; what is there is still taken.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_one();
    }

    /// Whether nothing more is added.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Nothing more is taken.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.room.notify_all();
    }

    /// Whether nothing more is taken.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn is_due(&self) -> bool {
        self.is_closed || self.leaves >= ENOUGH
    }

    fn is_wanted(&self, published: u64) -> bool {
        self.wanted > published
    }

    fn batch(&mut self) -> Vec<Signed> {
        let mut leaves = 0;
        let fits = self.groups.iter().take_while(|group| {
            let is_room = leaves < BATCH;
            leaves += group.leaves.len();
            is_room
        });
        let count = fits.count();
        let batch = self.groups.drain(..count).collect();
        self.since = (!self.groups.is_empty()).then(Instant::now);
        batch
    }
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

fn wait_for<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
    let waited = condition.wait_timeout(guard, time);
    waited.unwrap_or_else(PoisonError::into_inner).0
}
