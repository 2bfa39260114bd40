//! What waits for the sequencer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cyberid_storage::ledger::NewLeaf;
use tokio::sync::oneshot;

use crate::error::LedgerError;

/// The most leaves under one checkpoint more than under the last.
const GROUP: usize = 1024;

/// The most bytes of them, apart from the last one.
const GROUP_BYTES: usize = 1 << 22;

/// A leaf that waits for its place.
pub(crate) struct Waiting {
    pub(crate) leaf: NewLeaf,
    pub(crate) answer: oneshot::Sender<Result<u64, LedgerError>>,
}

/// The queue: many bring leaves, one thread takes them.
#[derive(Default)]
pub(crate) struct Queue {
    inside: Mutex<Inside>,
    wake: Condvar,
}

#[derive(Default)]
struct Inside {
    waiting: Vec<Waiting>,
    is_closed: bool,
    /// The thread that takes sleeps.
    is_idle: bool,
}

impl Queue {
    /// Adds leaves, one behind the other; they come back if nothing is taken any more.
    pub(crate) fn push(&self, leaves: impl IntoIterator<Item = Waiting>) -> Result<(), LedgerError> {
        let mut inside = self.lock();
        if inside.is_closed {
            return Err(LedgerError::Stopped);
        }
        inside.waiting.extend(leaves);
        let sleeps = std::mem::take(&mut inside.is_idle);
        drop(inside);
        if sleeps {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Everything that waits, as far as it fits one group; sleeps until there is something. Nothing at the end.
    pub(crate) fn take(&self) -> Option<Vec<Waiting>> {
        let mut inside = self.lock();
        let mut has_yielded = false;
        loop {
            if inside.waiting.is_empty() {
                if inside.is_closed {
                    return None;
                }
                inside.is_idle = true;
                inside = self.wake.wait(inside).unwrap_or_else(PoisonError::into_inner);
                inside.is_idle = false;
            } else if has_yielded {
                return Some(inside.group());
            } else {
                // Whoever is about to queue on this core goes first, and shares the sync. Where nobody is, this returns at
                // once: nothing waits for a timer.
                drop(inside);
                std::thread::yield_now();
                has_yielded = true;
                inside = self.lock();
            }
        }
    }

    /// Takes nothing more; what waits is still taken.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    /// Takes nothing more, and answers what waits.
    pub(crate) fn stop(&self) {
        let waiting = {
            let mut inside = self.lock();
            inside.is_closed = true;
            std::mem::take(&mut inside.waiting)
        };
        for waiting in waiting {
            // Whoever no longer waits needs no answer.
            let _ = waiting.answer.send(Err(LedgerError::Stopped));
        }
    }

    /// Whether nothing is taken any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn group(&mut self) -> Vec<Waiting> {
        let mut bytes = 0;
        let fits = self.waiting.iter().take(GROUP).take_while(|waiting| {
            let is_room = bytes < GROUP_BYTES;
            bytes += waiting.leaf.body.len();
            is_room
        });
        let count = fits.count();
        if count == self.waiting.len() {
            std::mem::take(&mut self.waiting)
        } else {
            self.waiting.drain(..count).collect()
        }
    }
}
