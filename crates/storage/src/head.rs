//! The ledger's head: what was signed last, and the leaves under it that the ledger's store may not have yet.
//!
//! It is a journal that is written ahead of the store: a group of leaves is *staged*, read back, signed, and made durable
//! together with its signed note in one write that is synced once. The store follows; what it has durably, the head
//! may forget.

use std::ops::Range;

use crate::Result;
use crate::ledger::NewLeaf;

/// What was signed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The size of the log.
    pub size: u64,
    /// The root of the log.
    pub root: [u8; 32],
    /// The signed note.
    pub note: String,
}

impl Head {
    /// What a change of the head is compared with.
    pub fn mark(&self) -> Mark {
        Mark {
            size: self.size,
            root: self.root,
        }
    }
}

/// Where a head stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The size of the log.
    pub size: u64,
    /// The root of the log.
    pub root: [u8; 32],
}

/// The head with the leaves that it has not forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What was signed last.
    pub head: Head,
    /// The leaves up to its size; as many as are held, and all that were not settled.
    pub leaves: Vec<NewLeaf>,
}

impl Held {
    /// The place of the first leaf that is held; the size, where none is.
    pub fn first(&self) -> u64 {
        self.head.size.saturating_sub(self.leaves.len() as u64)
    }
}

/// A group of leaves as the storage gives it back, not durable yet. Nothing but [`LedgerHead::advance`] takes it, and takes
/// it once: what is signed is what was read.
#[derive(Debug)]
pub struct Staged {
    /// For backends: which staging it came from.
    pub ticket: u64,
    /// The size of the log that it follows.
    pub follows: u64,
    /// For backends: what was read.
    pub bytes: Vec<u8>,
    /// Where in it each leaf's bytes are.
    pub bodies: Vec<Range<usize>>,
}

impl Staged {
    /// The size of the log with it.
    pub fn size(&self) -> u64 {
        self.follows + self.bodies.len() as u64
    }

    /// The leaves' bytes, as they were read.
    pub fn bodies(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let read = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        self.bodies.iter().map(read)
    }
}

/// The head's store. It is in no backup of the ledger: a restored ledger is noticed because it is behind. Its methods
/// block: they are called on a thread of their own.
///
/// After an error of [`LedgerHead::stage`] or [`LedgerHead::advance`] nothing is known of what is stored: until
/// [`LedgerHead::load`] has read it anew, both fail. Whoever can write the storage can cut off the last groups, or put back
/// an older head; that shows where the store, a witness or a client has seen more.
pub trait LedgerHead: Send + Sync {
    /// Reads the head, and makes durable what it reads; nothing only for a log that was never signed. A group whose
    /// `advance` never returned may be left out.
    fn load(&self) -> Result<Option<Held>>;

    /// Writes leaves behind the first `size`, and reads them back. They replace what was staged before and are nothing yet.
    fn stage(&self, size: u64, leaves: &[NewLeaf]) -> Result<Staged>;

    /// Makes the staged leaves and the head over them durable, at once and together, if the head still stands at `was`
    /// (nothing for a new log) and nobody staged since; `false` otherwise, and nothing is changed.
    fn advance(&self, staged: Staged, was: Option<Mark>, head: &Head) -> Result<bool>;

    /// The leaves below `size` are durable in the ledger's store: the head need not hold them any longer. It never
    /// forgets what was signed last, and an error changes nothing.
    fn settled(&self, size: u64) -> Result<()>;
}
