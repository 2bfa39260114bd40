//! The settled visits, and how a segment's visits become settled.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_storage::journal::Visit;

use crate::entry::Entry;
use crate::place::{Place, RunName};
use crate::runs;
use crate::segment;
use crate::shared::Shared;

/// So many runs of a level become one of the next, so that few have to be looked into.
const FAN: usize = 16;

/// The runs.
pub(crate) struct Archive {
    /// Whoever reads holds it against removals; whoever removes waits for those who read.
    runs: RwLock<Vec<RunName>>,
    /// One tends at a time.
    tending: Mutex<()>,
}

impl Archive {
    /// Of these runs.
    pub(crate) fn new(runs: Vec<RunName>) -> Self {
        Self {
            runs: RwLock::new(runs),
            tending: Mutex::new(()),
        }
    }

    /// The sealed records of this day under this tag, in segments and in runs, in an order that says nothing.
    pub(crate) fn visits(
        &self,
        place: &Place,
        shared: &Shared,
        day: UnixTime,
        tag: &[u8; 16],
    ) -> io::Result<Vec<Vec<u8>>> {
        let runs = self.read();
        let mut found = in_segments(place, shared, day, tag)?;
        if shared.lock().visits_before <= day {
            for run in runs.iter().filter(|run| run.day == day) {
                found.extend(runs::find(place, run, tag)?);
            }
        }
        drop(runs);
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Removes the days before `before`; returns how many visits those held.
    pub(crate) fn forget(&self, place: &Place, shared: &Shared, before: UnixTime) -> io::Result<u64> {
        let _one = self.tend_alone();
        drop(shared.running().map_err(io::Error::other)?);
        let mut forgotten = forget_in_segments(shared, before);
        let mut runs = self.write();
        let old: Vec<RunName> = runs.iter().copied().filter(|run| run.day < before).collect();
        for run in &old {
            forgotten += runs::count(place, run)?;
            place.disk.remove(&place.run(run))?;
            runs.retain(|kept| kept != run);
        }
        drop(runs);
        if !old.is_empty() {
            place.disk.sync_directory(&place.directory)?;
        }
        Ok(forgotten)
    }

    /// Settles the segments in which nothing matters but visits, and merges what can be.
    pub(crate) fn tend(&self, place: &Place, shared: &Shared, now: UnixTime) -> io::Result<()> {
        let _one = self.tend_alone();
        while let Some(number) = first_over(shared, now).filter(|_| shared.is_running()) {
            self.settle(place, shared, number)?;
        }
        while let Some(group) = self.mergeable(shared, now).filter(|_| shared.is_running()) {
            self.merge(place, shared, &group)?;
        }
        Ok(())
    }

    /// Waits until nobody tends.
    pub(crate) fn wait(&self) {
        drop(self.tend_alone());
    }

    fn settle(&self, place: &Place, shared: &Shared, number: u64) -> io::Result<()> {
        let read = segment::read(place, number).map_err(io::Error::other)?;
        let visits = read.groups.into_iter().flat_map(|(_, entries)| entries);
        let settled = sort(
            visits.filter_map(Entry::into_visit),
            number,
            shared.lock().visits_before,
        );
        for (run, visits) in &settled {
            runs::write(place, run, visits)?;
        }
        let mut runs = self.write();
        runs.retain(|run| !settled.contains_key(run));
        runs.extend(settled.keys());
        shared.lock().segments.retain(|segment| segment.number != number);
        place.disk.remove(&place.segment(number))?;
        place.disk.sync_directory(&place.directory)
    }

    /// Runs that should be one: many of one level, or all of a day that is over.
    fn mergeable(&self, shared: &Shared, now: UnixTime) -> Option<Vec<RunName>> {
        let (mut levels, mut days) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for run in self.read().iter() {
            levels
                .entry((run.day, run.sealed, run.level))
                .or_default()
                .push(*run);
            days.entry((run.day, run.sealed)).or_default().push(*run);
        }
        let inside = shared.lock();
        let is_over = |day: UnixTime| {
            day.plus(DAY) <= now.day_start() && !inside.segments.iter().any(|segment| segment.has_day(day))
        };
        let day = days
            .into_iter()
            .find(|((day, _), runs)| runs.len() > 1 && is_over(*day));
        let level = || levels.into_iter().find(|(_, runs)| runs.len() >= FAN);
        day.map(|(_, runs)| runs)
            .or_else(|| level().map(|(_, runs)| runs))
    }

    fn merge(&self, place: &Place, shared: &Shared, group: &[RunName]) -> io::Result<()> {
        let Some(first) = group.first() else {
            return Ok(());
        };
        let into = RunName {
            level: group.iter().map(|run| run.level).max().unwrap_or_default() + 1,
            number: place.number(),
            ..*first
        };
        let go_on = || shared.running().map(drop).map_err(io::Error::other);
        runs::merge(place, group, &into, &go_on)?;
        let mut runs = self.write();
        runs.retain(|run| !group.contains(run));
        runs.push(into);
        for run in group {
            place.disk.remove(&place.run(run))?;
        }
        place.disk.sync_directory(&place.directory)
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<RunName>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<RunName>> {
        self.runs.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tend_alone(&self) -> MutexGuard<'_, ()> {
        self.tending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_segments(place: &Place, shared: &Shared, day: UnixTime, tag: &[u8; 16]) -> io::Result<Vec<Vec<u8>>> {
    let inside = shared.lock();
    let segments = inside.segments.iter().flat_map(|segment| {
        let pages = segment.pages(day, tag).into_iter();
        pages.map(|page| (segment.number, segment.key.clone(), page))
    });
    let segments: Vec<_> = segments.collect();
    drop(inside);
    let mut found = Vec::new();
    for (number, key, page) in segments {
        let entries = segment::read_group(&key, &place.segment(number), page)?;
        let visits = entries.into_iter().filter_map(Entry::into_visit);
        let fitting = visits.filter(|visit| visit.day == day && visit.tag == *tag);
        found.extend(fitting.map(|visit| visit.sealed));
    }
    Ok(found)
}

fn forget_in_segments(shared: &Shared, before: UnixTime) -> u64 {
    let mut inside = shared.lock();
    inside.visits_before = inside.visits_before.max(before);
    let segments = inside.segments.iter_mut();
    segments.map(|segment| segment.forget_days(before)).sum()
}

/// The first segment that can be settled.
fn first_over(shared: &Shared, now: UnixTime) -> Option<u64> {
    let inside = shared.lock();
    let before = inside.verifications_before;
    let mut segments = inside.segments.iter();
    segments
        .find(|segment| segment.is_over(before, now))
        .map(|segment| segment.number)
}

/// The visits by the runs that they belong into.
fn sort(visits: impl Iterator<Item = Visit>, number: u64, before: UnixTime) -> BTreeMap<RunName, Vec<Visit>> {
    let mut sorted = BTreeMap::<RunName, Vec<Visit>>::new();
    for visit in visits.filter(|visit| visit.day >= before) {
        let name = RunName {
            day: visit.day,
            sealed: u32::try_from(visit.sealed.len()).unwrap_or(u32::MAX),
            level: 0,
            number,
        };
        sorted.entry(name).or_default().push(visit);
    }
    sorted
}
