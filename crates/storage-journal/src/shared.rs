//! What callers and the writer share: the state, the queue, and what is known of the segments.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cyberid_domain::UnixTime;
use tokio::sync::oneshot;

use crate::entry::Entry;
use crate::error::Stopped;
use crate::state::{Decided, State};
use crate::unsettled::Unsettled;

/// How long entries wait for the writer before callers make room for it on their core.
const PATIENCE: Duration = Duration::from_millis(2);

/// An entry that waits to be durable, and who waits for it.
pub(crate) struct Queued {
    pub(crate) entry: Entry,
    pub(crate) done: oneshot::Sender<()>,
    since: Instant,
}

impl Queued {
    fn new(entry: Entry, done: oneshot::Sender<()>) -> Self {
        Self {
            entry,
            done,
            since: Instant::now(),
        }
    }
}

/// What the writer is to do next.
pub(crate) enum Work {
    /// Write what waits; nothing may wait.
    Write(Vec<Queued>),
    /// End.
    End,
}

/// The shared part, behind its lock.
pub(crate) struct Shared {
    inside: Mutex<Inside>,
    wake: Condvar,
}

/// The shared part.
pub(crate) struct Inside {
    pub(crate) state: State,
    /// The segments whose entries matter, oldest first; the last one takes groups.
    pub(crate) segments: Vec<Unsettled>,
    /// Verifications that expired before this are forgotten.
    pub(crate) verifications_before: UnixTime,
    /// Visits of the days before this are forgotten.
    pub(crate) visits_before: UnixTime,
    queue: Vec<Queued>,
    /// When a caller made room for the writer last.
    room_made: Option<Instant>,
    life: Life,
    /// The writer is to look whether its segment is due.
    is_nudged: bool,
    /// The writer sleeps.
    is_idle: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Running,
    /// What waits is written, and nothing more is taken.
    Closing,
    Stopped,
}

impl Inside {
    /// Whether a caller is to make room for the writer: entries wait for longer than they should, and no caller has done so
    /// for as long. The writer may wait for its disk alone.
    fn is_overdue(&self) -> bool {
        let since = self.queue.first().map(|first| first.since);
        let last = since.map(|since| self.room_made.map_or(since, |made| made.max(since)));
        last.is_some_and(|last| last.elapsed() > PATIENCE)
    }

    /// Shows an entry of the group at `page` of the segment that takes groups: it is durable.
    pub(crate) fn show(&mut self, entry: Entry, page: u64) {
        if let Some(segment) = self.segments.last_mut() {
            segment.note(&entry, page, &self.state);
        }
        self.state.show(entry);
    }
}

impl Shared {
    /// Over a state and the segments that it was read from.
    pub(crate) fn new(state: State, segments: Vec<Unsettled>) -> Self {
        let inside = Inside {
            state,
            segments,
            verifications_before: UnixTime(0),
            visits_before: UnixTime(0),
            queue: Vec::new(),
            room_made: None,
            life: Life::Running,
            is_nudged: false,
            is_idle: false,
        };
        Self {
            inside: Mutex::new(inside),
            wake: Condvar::new(),
        }
    }

    /// The shared part, whether or not the journal runs.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shared part of a journal that runs.
    pub(crate) fn running(&self) -> Result<MutexGuard<'_, Inside>, Stopped> {
        let inside = self.lock();
        if inside.life == Life::Running {
            Ok(inside)
        } else {
            Err(Stopped)
        }
    }

    /// Whether the journal takes entries.
    pub(crate) fn is_running(&self) -> bool {
        self.running().is_ok()
    }

    /// Decides, and queues what is decided; whoever is told to wait is told when it is durable.
    pub(crate) fn decide<A, E: From<Stopped>>(
        &self,
        decide: impl FnOnce(&mut State) -> Result<Decided<A>, E>,
    ) -> Result<Waiting<A>, E> {
        let mut inside = self.running()?;
        Ok(match decide(&mut inside.state)? {
            Decided::Answer(answer) => Waiting::No(answer),
            Decided::Write(entry) => {
                let (done, durable) = oneshot::channel();
                let is_overdue = inside.is_overdue();
                if is_overdue {
                    inside.room_made = Some(Instant::now());
                }
                inside.queue.push(Queued::new(entry, done));
                self.wake_writer(inside);
                if is_overdue {
                    // The writer may want this very core, which a busy runtime leaves to nobody by itself.
                    std::thread::yield_now();
                }
                Waiting::Durable(durable)
            }
        })
    }

    /// Has the writer look whether its segment is due.
    pub(crate) fn nudge(&self) {
        let mut inside = self.lock();
        inside.is_nudged = true;
        self.wake_writer(inside);
    }

    /// Takes nothing more; the writer ends once it wrote what waits.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        if inside.life == Life::Running {
            inside.life = Life::Closing;
        }
        self.wake_writer(inside);
    }

    /// Nothing is taken, and nobody is told that anything happened: whether it did is unknown.
    pub(crate) fn stop(&self) {
        let mut inside = self.lock();
        inside.life = Life::Stopped;
        inside.queue.clear();
    }

    /// What the writer does next; it sleeps here.
    pub(crate) fn work(&self) -> Work {
        let mut inside = self.lock();
        let mut has_yielded = false;
        loop {
            if !inside.queue.is_empty() && !has_yielded {
                // Whoever is about to queue on this core goes first, and shares the sync. Where nobody is, this
                // returns at once: nothing waits for a timer.
                drop(inside);
                std::thread::yield_now();
                has_yielded = true;
                inside = self.lock();
                continue;
            }
            if !inside.queue.is_empty() || std::mem::take(&mut inside.is_nudged) {
                return Work::Write(std::mem::take(&mut inside.queue));
            }
            if inside.life != Life::Running {
                return Work::End;
            }
            inside.is_idle = true;
            inside = self.wake.wait(inside).unwrap_or_else(PoisonError::into_inner);
            inside.is_idle = false;
        }
    }

    /// Wakes the writer if it sleeps; one that works looks at the queue anyway.
    fn wake_writer(&self, mut inside: MutexGuard<'_, Inside>) {
        let sleeps = std::mem::take(&mut inside.is_idle);
        drop(inside);
        if sleeps {
            self.wake.notify_one();
        }
    }
}

/// Whether there is something to wait for.
pub(crate) enum Waiting<A> {
    /// The answer is known.
    No(A),
    /// It happens once it is durable.
    Durable(oneshot::Receiver<()>),
}

impl<A> Waiting<A> {
    /// The answer; `happened` once that is durable.
    pub(crate) async fn answer(self, happened: A) -> Result<A, Stopped> {
        match self {
            Self::No(answer) => Ok(answer),
            Self::Durable(durable) => durable.await.map(|()| happened).map_err(|_| Stopped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_make_room_once_others_wait_for_too_long() {
        let shared = Shared::new(State::new(1, 1), Vec::new());
        let mut inside = shared.lock();
        assert!(!inside.is_overdue(), "nobody waits");
        let entry = Entry::Agreed {
            id: "ver_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        };
        let mut queued = Queued::new(entry, oneshot::channel().0);
        queued.since = Instant::now() + PATIENCE;
        inside.queue.push(queued);
        assert!(!inside.is_overdue(), "not for long");
        let long_ago = Instant::now().checked_sub(PATIENCE * 2);
        inside.queue[0].since = long_ago.unwrap();
        assert!(inside.is_overdue());
        inside.room_made = Some(Instant::now() + PATIENCE);
        assert!(!inside.is_overdue(), "somebody has just made room");
        inside.room_made = long_ago;
        assert!(inside.is_overdue());
    }
}
