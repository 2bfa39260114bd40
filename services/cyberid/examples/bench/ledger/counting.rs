//! A head that counts its groups.

use std::sync::atomic::{AtomicUsize, Ordering};

use cyberid_storage::Result;
use cyberid_storage::head::{Head, Held, LedgerHead, Mark, Staged};
use cyberid_storage::ledger::NewLeaf;
use cyberid_storage_journal::FileHead;

/// A head that counts its groups.
pub(super) struct Counting {
    head: FileHead,
    groups: AtomicUsize,
}

impl Counting {
    pub(super) fn new(head: FileHead) -> Self {
        Self {
            head,
            groups: AtomicUsize::new(0),
        }
    }

    /// The groups so far.
    pub(super) fn groups(&self) -> usize {
        self.groups.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        self.head.close();
    }
}

impl LedgerHead for Counting {
    fn load(&self) -> Result<Option<Held>> {
        self.head.load()
    }

    fn stage(&self, size: u64, leaves: &[NewLeaf]) -> Result<Staged> {
        self.head.stage(size, leaves)
    }

    fn advance(&self, staged: Staged, was: Option<Mark>, head: &Head) -> Result<bool> {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.head.advance(staged, was, head)
    }

    fn settled(&self, size: u64) -> Result<()> {
        self.head.settled(size)
    }
}
