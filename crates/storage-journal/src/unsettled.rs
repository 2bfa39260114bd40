//! What is known in memory of a segment whose entries still matter: where its visits are, and until when it is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use cyberid_domain::UnixTime;

use crate::entry::{Entry, UsedProof};
use crate::seal::SegmentKey;
use crate::state::State;

/// A segment that was not yet settled.
pub(crate) struct Unsettled {
    pub(crate) number: u64,
    pub(crate) key: Arc<SegmentKey>,
    /// The beginning of each visit's tag, and the page of its group; sorted once the segment takes no more.
    visits: Vec<(u64, u64)>,
    /// How many visits of each day it holds.
    days: BTreeMap<UnixTime, u64>,
    /// When the last of its verifications expires.
    verifications_until: UnixTime,
    /// When the last of its proofs may be forgotten.
    proofs_until: UnixTime,
    is_closed: bool,
}

impl Unsettled {
    /// A segment without entries.
    pub(crate) fn new(number: u64, key: Arc<SegmentKey>) -> Self {
        Self {
            number,
            key,
            visits: Vec::new(),
            days: BTreeMap::new(),
            verifications_until: UnixTime(0),
            proofs_until: UnixTime(0),
            is_closed: false,
        }
    }

    /// Notes an entry of the group at `page`, before `state` shows it.
    pub(crate) fn note(&mut self, entry: &Entry, page: u64, state: &State) {
        if let Some(end) = end(entry, state) {
            self.verifications_until = self.verifications_until.max(end);
        }
        if let Some(UsedProof { forget_at, .. }) = entry.proof() {
            self.proofs_until = self.proofs_until.max(*forget_at);
        }
        if let Some(visit) = entry.visit() {
            self.visits.push((beginning(&visit.tag), page));
            *self.days.entry(visit.day).or_default() += 1;
        }
    }

    /// No more entries come.
    pub(crate) fn close(&mut self) {
        self.visits.sort_unstable();
        self.visits.shrink_to_fit();
        self.is_closed = true;
    }

    /// The pages of groups that may hold visits of this day under this tag.
    pub(crate) fn pages(&self, day: UnixTime, tag: &[u8; 16]) -> Vec<u64> {
        let beginning = beginning(tag);
        if !self.days.contains_key(&day) {
            return Vec::new();
        }
        let candidates = if self.is_closed {
            let from = self.visits.partition_point(|(tag, _)| *tag < beginning);
            let to = self.visits.partition_point(|(tag, _)| *tag <= beginning);
            self.visits.get(from..to).unwrap_or_default()
        } else {
            &self.visits
        };
        let found = candidates.iter().filter(|(tag, _)| *tag == beginning);
        let mut pages: Vec<u64> = found.map(|(_, page)| *page).collect();
        pages.dedup();
        pages
    }

    /// Whether nothing in it matters any more but its visits.
    pub(crate) fn is_over(&self, verifications_before: UnixTime, now: UnixTime) -> bool {
        self.is_closed && self.verifications_until < verifications_before && self.proofs_until < now
    }

    /// Whether it holds visits of this day.
    pub(crate) fn has_day(&self, day: UnixTime) -> bool {
        self.days.contains_key(&day)
    }

    /// Forgets the visits of the days before `before`; returns how many those were.
    pub(crate) fn forget_days(&mut self, before: UnixTime) -> u64 {
        let kept = self.days.split_off(&before);
        std::mem::replace(&mut self.days, kept).into_values().sum()
    }
}

/// When the verification that an entry is about expires.
fn end(entry: &Entry, state: &State) -> Option<UnixTime> {
    match entry {
        Entry::Asked(row) => Some(row.expires_at),
        other => state.verification(other.id()?).map(|row| row.expires_at),
    }
}

fn beginning(tag: &[u8; 16]) -> u64 {
    tag.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
