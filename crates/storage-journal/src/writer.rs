//! The one thread that writes: it takes everything that waits, writes it at once, syncs once, and tells all.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use cyberid_domain::{Clock, UnixTime};

use crate::codec;
use crate::disk::PAGE;
use crate::options::Options;
use crate::place::Place;
use crate::seal::pages_of;
use crate::segment::Segment;
use crate::shared::{Queued, Shared, Work};
use crate::unsettled::Unsettled;

/// The longest group in bytes, before it is sealed; half of a first segment, where that is less.
const LONGEST_GROUP: usize = 512 * 1024;

/// The writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    place: Arc<Place>,
    clock: Arc<dyn Clock>,
    options: Options,
    segment: Segment,
    /// The segment's next free page.
    page: u64,
    /// When the segment's first group was written.
    begun: Option<UnixTime>,
    /// The segment after this one, prepared beside.
    next: Option<JoinHandle<io::Result<Segment>>>,
}

impl Writer {
    /// Starts the thread, on a fresh segment.
    pub(crate) fn start(
        shared: Arc<Shared>,
        place: Arc<Place>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> io::Result<JoinHandle<()>> {
        let segment = Segment::make(&place, options.first_segment)?;
        let mut writer = Self {
            shared,
            place,
            clock,
            options,
            segment,
            page: 1,
            begun: None,
            next: None,
        };
        writer.enter(options.first_segment.saturating_mul(2))?;
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
    }

    fn run(mut self) {
        loop {
            let done = match self.shared.work() {
                Work::Write(group) => self.write(group),
                Work::End => break self.end(),
            };
            if let Err(error) = done {
                tracing::error!(%error, "the journal has stopped: whether the last entries are kept is unknown");
                metrics::counter!("journal_stops_total").increment(1);
                break;
            }
        }
    }

    /// Writes what waits, in groups that each fit a segment.
    fn write(&mut self, waiting: Vec<Queued>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        if self.is_due() {
            // Before those who wait learn that they are not told.
            self.turn(false).inspect_err(|_| shared.stop())?;
        }
        let longest = usize::try_from(self.options.first_segment / 2)
            .map_or(LONGEST_GROUP, |half| half.min(LONGEST_GROUP));
        let (mut group, mut queued) = (Vec::new(), Vec::new());
        for next in waiting {
            let length = group.len();
            codec::write(&next.entry, &mut group);
            if group.len() > longest && length > 0 {
                let last = group.split_off(length);
                self.commit(&group, std::mem::take(&mut queued))?;
                group = last;
            }
            queued.push(next);
        }
        if queued.is_empty() {
            return Ok(());
        }
        self.commit(&group, queued)
    }

    /// Writes one group, syncs it, shows what it changes, and tells who waits.
    fn commit(&mut self, group: &[u8], queued: Vec<Queued>) -> io::Result<()> {
        let (began, shared) = (Instant::now(), Arc::clone(&self.shared));
        let page = self.put(group).inspect_err(|_| shared.stop())?;
        metrics::histogram!("journal_group_entries").record(u32::try_from(queued.len()).unwrap_or(u32::MAX));
        metrics::histogram!("journal_commit_seconds").record(began.elapsed());
        self.show(queued, page);
        Ok(())
    }

    /// Writes and syncs a group; returns its page.
    fn put(&mut self, group: &[u8]) -> io::Result<u64> {
        let page = self.room_for(pages_of(group.len()) as u64)?;
        let pages = self.segment.key.seal(page, group);
        self.segment.file.write_at(&pages, page * PAGE as u64)?;
        if self.options.synchronous.is_full() {
            self.segment.file.sync_data()?;
        }
        self.page += (pages.len() / PAGE) as u64;
        self.begun.get_or_insert_with(|| self.clock.now());
        Ok(page)
    }

    fn show(&self, queued: Vec<Queued>, page: u64) {
        let mut told = Vec::with_capacity(queued.len());
        let mut inside = self.shared.lock();
        for Queued { entry, done, .. } in queued {
            inside.show(entry, page);
            told.push(done);
        }
        drop(inside);
        for done in told {
            // Who does not wait any more need not be told.
            let _ = done.send(());
        }
    }

    /// The first of so many free pages, in the next segment if need be.
    fn room_for(&mut self, pages: u64) -> io::Result<u64> {
        if self.page + pages > self.segment.pages {
            self.turn(true)?;
        }
        if self.page + pages > self.segment.pages {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(self.page)
    }

    /// Whether the segment's time is over.
    fn is_due(&self) -> bool {
        let begun = self.begun;
        begun.is_some_and(|begun| self.clock.now().since(begun) >= self.options.window)
    }

    /// Goes on in the next segment. One that was full is followed by a larger one.
    fn turn(&mut self, full: bool) -> io::Result<()> {
        let made = self.next.take().map(JoinHandle::join);
        let next = match made {
            Some(Ok(Ok(next))) => next,
            // It could not be made then; maybe it can now.
            _ => Segment::make(&self.place, self.options.first_segment)?,
        };
        let size = next.pages * PAGE as u64;
        let old = std::mem::replace(&mut self.segment, next);
        let used = std::mem::replace(&mut self.page, 1);
        self.begun = None;
        cut(old, used);
        self.enter(if full { size.saturating_mul(2) } else { size / 2 })
    }

    /// Tells everybody of the segment, and has the one after it prepared.
    fn enter(&mut self, next_size: u64) -> io::Result<()> {
        let key = self.segment.key.clone();
        let mut inside = self.shared.lock();
        if let Some(last) = inside.segments.last_mut() {
            last.close();
        }
        inside.segments.push(Unsettled::new(self.segment.number, key));
        drop(inside);
        let size = next_size.clamp(self.options.first_segment, self.options.largest_segment);
        let (place, shared) = (Arc::clone(&self.place), Arc::clone(&self.shared));
        let preparing = std::thread::Builder::new().name("journal-next".into());
        self.next =
            Some(preparing.spawn(move || Segment::make_beside(&place, size, || shared.is_running()))?);
        Ok(())
    }

    /// Leaves no more on the disk than was written.
    fn end(&mut self) {
        if let Some(Ok(Ok(unused))) = self.next.take().map(JoinHandle::join) {
            self.remove(&unused.path);
        }
        if self.page == 1 {
            self.remove(&self.segment.path);
        } else {
            let length = self.page * PAGE as u64;
            warn(self.segment.file.set_length(length));
        }
    }

    fn remove(&self, path: &std::path::Path) {
        warn(self.place.disk.remove(path));
    }
}

impl Drop for Writer {
    /// However it ends: nothing is taken that nobody would write, and nothing is made beside.
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(preparing) = self.next.take() {
            let _ = preparing.join();
        }
    }
}

/// Gives back the space that a closed segment did not need. Whether it works matters to nobody.
fn cut(mut segment: Segment, used: u64) {
    warn(segment.file.set_length(used * PAGE as u64));
}

fn warn(done: io::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "a file of the journal keeps space that it does not need");
    }
}
