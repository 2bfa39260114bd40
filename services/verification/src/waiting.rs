//! Wakes those who wait for an answer, when it is given in this process.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// How many answers share a bell: who is woken for another's looks once more in vain.
const BELLS: usize = 256;

/// How many wait at once. Whoever waits holds a place of the server's requests in work (1,024), and others need some
/// (T10): who finds no seat is answered at once.
const SEATS: usize = 512;

/// Bells, shared by the hash of what is waited for.
pub(crate) struct Waiting {
    bells: Vec<Notify>,
    seats: Semaphore,
    hasher: RandomState,
}

impl Default for Waiting {
    fn default() -> Self {
        Self::with_seats(SEATS)
    }
}

impl Waiting {
    /// Room for so many to wait at once.
    pub(crate) fn with_seats(seats: usize) -> Self {
        Self {
            bells: (0..BELLS).map(|_| Notify::new()).collect(),
            seats: Semaphore::new(seats),
            hasher: RandomState::new(),
        }
    }

    /// A seat, while there is one.
    pub(crate) fn seat(&self) -> Option<SemaphorePermit<'_>> {
        self.seats.try_acquire().ok()
    }

    /// Completes at the next [`Self::answered`]; made before the answer is looked for, so that none is missed.
    pub(crate) fn next_answer(&self, id: &impl Hash) -> Option<Notified<'_>> {
        self.bell(id).map(Notify::notified)
    }

    /// Wakes those who wait for this answer.
    pub(crate) fn answered(&self, id: &impl Hash) {
        if let Some(bell) = self.bell(id) {
            bell.notify_waiters();
        }
    }

    fn bell(&self, id: &impl Hash) -> Option<&Notify> {
        let hash = self.hasher.hash_one(id) % BELLS as u64;
        self.bells.get(usize::try_from(hash).unwrap_or_default())
    }
}
