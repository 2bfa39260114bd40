//! How much a journal holds, and how its files are cut.

use cyberid_storage::Synchronous;

/// How much a journal holds, and how its files are cut.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many verifications are kept at once, answered ones included; each takes about a kilobyte of memory.
    pub verifications: usize,
    /// How many used proofs are remembered at once; each takes about 40 bytes of memory, for six minutes.
    pub proofs: usize,
    /// The size in bytes of the first segment; those that fill before their time are followed by larger ones.
    pub first_segment: u64,
    /// The largest size of a segment in bytes.
    pub largest_segment: u64,
    /// For how many seconds a segment takes entries.
    pub window: u64,
    /// Whether a group is synced before it is acknowledged.
    pub synchronous: Synchronous,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verifications: 200_000,
            proofs: 8_000_000,
            first_segment: 1 << 20,
            largest_segment: 1 << 26,
            window: 600,
            synchronous: Synchronous::Full,
        }
    }
}
