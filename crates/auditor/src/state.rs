//! Where an audit stands: the checkpoint that it holds the log to, and what the leaves have said so far.

use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::Hash;

use crate::story::Story;

/// The newest checkpoint that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// As the log signed it: with another one that contradicts it, the proof against the log.
    pub(crate) note: Option<String>,
}

/// Where an audit stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) seen: Option<Seen>,
    pub(crate) story: Story,
    /// The checkpoint that the log showed last, accepted or not; not kept between audits.
    pub(crate) shown: Option<String>,
}

impl Seen {
    pub(crate) fn of(checkpoint: &VerifiedCheckpoint) -> Self {
        Self {
            size: checkpoint.size(),
            root: checkpoint.root(),
            note: Some(checkpoint.note().to_string()),
        }
    }
}

impl State {
    /// Before the first leaf, holding the log to a size and root that were accepted elsewhere.
    pub fn after(kept: Option<(u64, Hash)>) -> Self {
        let seen = kept.map(|(size, root)| Seen {
            size,
            root,
            note: None,
        });
        Self {
            seen,
            ..Self::default()
        }
    }

    /// The size and root of the newest checkpoint that was accepted.
    pub fn accepted(&self) -> Option<(u64, Hash)> {
        self.seen.as_ref().map(|seen| (seen.size, seen.root))
    }

    /// The newest checkpoint that was accepted, as the log signed it.
    pub fn checkpoint(&self) -> Option<&str> {
        self.seen.as_ref()?.note.as_deref()
    }

    /// The checkpoint that the log showed last, as it signed it. Where it contradicts the one that was accepted, both
    /// together are the proof.
    pub fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }

    /// How many leaves were read.
    pub fn read(&self) -> u64 {
        self.story.size
    }

    /// Whether an audit was interrupted between its first leaf and its last.
    pub fn is_interrupted(&self) -> bool {
        let size = self.seen.as_ref().map_or(0, |seen| seen.size);
        (1..size).contains(&self.story.size)
    }

    /// Forgets what was read, and not what the log is held to: the next audit reads every leaf again.
    pub fn read_anew(&mut self) {
        self.story = Story::default();
    }
}
