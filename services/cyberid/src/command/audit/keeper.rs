//! Keeps where an audit stands: often enough that an interrupted one goes on, seldom enough that it costs nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use cyberid_auditor::{AuditAnchors, Kept, KeptError, State};

/// After how many leaves the state is written anew.
const LEAVES: u64 = 1 << 18;

/// After how long it is, where leaves come slowly.
const TIME: Duration = Duration::from_secs(10);

/// Writes the state to its file.
pub(super) struct Keeper<'a> {
    /// Nothing is kept without one.
    file: Option<&'a Path>,
    anchors: &'a AuditAnchors,
    read: u64,
    since: Instant,
    checkpoint: Option<String>,
}

impl<'a> Keeper<'a> {
    /// Keeps in `file`, if there is one, what differs from the state that was read from there.
    pub(super) fn new(file: Option<&'a Path>, anchors: &'a AuditAnchors, state: &State) -> Self {
        Self {
            file,
            anchors,
            read: state.read(),
            since: Instant::now(),
            checkpoint: None,
        }
    }

    /// Writes the state if it is time, or if every leaf under its checkpoint was read.
    pub(super) fn keep(&mut self, state: &State) -> Result<(), KeptError> {
        let is_whole = state.accepted().is_none_or(|(size, _)| size == state.read());
        let is_new = self.read != state.read() || self.checkpoint.as_deref() != state.checkpoint();
        let is_time = state.read().saturating_sub(self.read) >= LEAVES || self.since.elapsed() >= TIME;
        match self.file {
            Some(file) if is_new && (is_whole || is_time) => {
                Kept::save(file, self.anchors, state)?;
                self.read = state.read();
                self.since = Instant::now();
                self.checkpoint = state.checkpoint().map(str::to_owned);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
