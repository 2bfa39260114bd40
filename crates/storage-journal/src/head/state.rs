//! The head as it was read, and what one group does to it.

use std::collections::VecDeque;

use cyberid_storage::head::{Head, Mark, Staged};
use cyberid_storage::{Result, StorageError, Synchronous};

use super::frame::{self, LONGEST_NOTE, Link};
use super::segments::Segment;
use super::unknown;
use crate::disk::PAGE;

/// The head as it was read, and where the next group goes.
pub(super) struct State {
    /// Segments before the one that takes groups, oldest first.
    pub(super) full: VecDeque<Full>,
    pub(super) segment: Segment,
    /// The segment's next free page.
    pub(super) page: u64,
    pub(super) next: Option<Segment>,
    pub(super) mark: Option<Mark>,
    pub(super) link: Link,
    pub(super) ticket: u64,
    /// Buffers to use again.
    pub(super) buffers: Vec<Vec<u8>>,
}

/// A segment that takes no more groups.
pub(super) struct Full {
    pub(super) number: u64,
    pub(super) pages: u64,
    /// The size of the log after its last group.
    pub(super) size: u64,
}

impl State {
    /// Writes the first part of a group, and reads it back.
    pub(super) fn stage(&mut self, follows: u64, mut group: Vec<u8>) -> Result<Staged> {
        self.ticket += 1;
        let (place, length) = (self.page * PAGE as u64, group.len());
        group.resize(length.next_multiple_of(PAGE), 0);
        self.segment.file.write_at(&group, place).map_err(unknown)?;
        let mut bytes = self.buffer();
        bytes.resize(length, 0);
        self.segment.file.read_at(&mut bytes, place).map_err(unknown)?;
        let bodies = frame::bodies(&bytes).filter(|_| group.starts_with(&bytes));
        self.buffers.push(group);
        Ok(Staged {
            ticket: self.ticket,
            follows,
            bytes,
            bodies: bodies.ok_or(StorageError::Corrupt("group as it was read back"))?,
        })
    }

    /// Writes the second part of a group behind the first, and syncs both.
    pub(super) fn advance(&mut self, staged: Staged, head: &Head, synchronous: Synchronous) -> Result<()> {
        let stands_at = self.mark.map_or(0, |mark| mark.size);
        let fits = staged.follows == stands_at && staged.size() == head.size;
        if !fits || head.note.len() > LONGEST_NOTE {
            return Err(StorageError::Corrupt("head for this group"));
        }
        let mut group = staged.bytes;
        let first = group.len();
        let link = frame::put_seal(&mut group, head);
        let length = group.len();
        group.resize(length.next_multiple_of(PAGE), 0);
        let second = group.get(first..).unwrap_or_default();
        let place = self.page * PAGE as u64 + first as u64;
        self.segment.file.write_at(second, place).map_err(unknown)?;
        if synchronous.is_full() {
            self.segment.file.sync_data().map_err(unknown)?;
        }
        self.page += frame::pages_of(length);
        (self.mark, self.link) = (Some(head.mark()), link);
        self.ticket += 1;
        self.buffers.push(group);
        Ok(())
    }

    pub(super) fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Goes on in this segment, which follows the last one, or takes its place.
    pub(super) fn enter(&mut self, next: Segment) {
        let old = std::mem::replace(&mut self.segment, next);
        self.page = 1;
        if old.number == self.segment.number {
            return;
        }
        self.full.push_back(Full {
            number: old.number,
            pages: old.pages,
            size: self.mark.map_or(0, |mark| mark.size),
        });
    }

    pub(super) fn next_number(&self) -> u64 {
        self.segment.number + 1
    }

    /// The full segments whose leaves are all below `size`; never the one that the head is in.
    pub(super) fn take_settled(&mut self, size: u64) -> Vec<Full> {
        let kept = usize::from(self.page == 1);
        let mut settled = Vec::new();
        while self.full.len() > kept && self.full.front().is_some_and(|full| full.size <= size) {
            settled.extend(self.full.pop_front());
        }
        settled
    }
}
