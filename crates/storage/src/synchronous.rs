//! When what was written is synced.

/// When what was written is synced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Before the method that wrote it returns: it survives power loss.
    #[default]
    Full,
    /// When the system gets to it. The contract of the ports is then kept against the end of the process only, not
    /// against power loss: this is how a test shows that it would notice a sync that is missing.
    Normal,
}

impl Synchronous {
    /// Whether a write is synced before it is acknowledged.
    pub fn is_full(self) -> bool {
        self == Self::Full
    }
}
