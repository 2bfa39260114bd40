//! Verifications, the proofs they consumed and the journal of visits, in files of their own: what a verification has to
//! make durable before it is answered costs one write and a share of one sync.
//!
//! In scope: [`Verifications`](cyberid_storage::verification::Verifications) and
//! [`Journal`](cyberid_storage::journal::Journal) over one directory that one process holds. Not in scope: what is
//! recorded, and under which tag a visit is (`cyberid_protocol::visit`).
//!
//! **How.** State is in memory, under a short lock. A change is decided there, so that exactly one of several callers
//! wins, and queued; one thread takes everything that waits, writes it as one group, syncs once, shows the changes to
//! readers, and only then tells the callers. There is no timer: a lone entry is written at once. Groups go into
//! *segments*: files that were allocated by writing zeros, so that a sync has nothing but data to make durable, each group
//! on pages of its own, sealed (AES-256-GCM) under the segment's key and its own place. A segment takes groups for ten
//! minutes at most, and never those of another process. Once every verification and proof in it is over, what is left
//! of it is *settled*: its visits, sorted by tag and content, by day; runs of a day are merged, and a day that is over
//! is one file. At the start the segments that were not settled are read; the pending verifications and used proofs
//! are what they were.
//!
//! **What fails.** An error of a write or of a sync is "unknown": the journal takes and tells nothing more until the
//! process is started anew ([`FileJournal::is_running`]), nothing is retried, and what may have been used stays
//! used if it was written. A torn end was never acknowledged, and is left out; a group that does not open before one that
//! does is reported ([`OpenError::Altered`]) and never skipped, nor
//! is one that opens and is not understood ([`OpenError::NotUnderstood`]). What stood last when a process ended without closing
//! is written and synced again at the next start. A full memory refuses (fail closed).
//!
//! Answers T4 (a stolen disk relates nothing) and T14 (a proof is used once, durably, before its answer is given).
//! What the files still tell whoever has them without the keys: how many groups of which size were recorded, and in which
//! order, since about the last half hour; how many visits there were on each day that is kept; that two visits have one
//! tag, which two of one person on one day have with chance 1/16 and others never. Whoever can write the disk
//! can put back an older copy of the directory, or cut off the last group: what was used since could be used again until
//! it expires. Therefore the journal's segments are not restored from a backup within six minutes of their loss.

mod archive;
mod codec;
mod disk;
mod entry;
mod error;
mod head;
mod journal;
mod open;
mod options;
mod place;
mod runs;
mod seal;
mod segment;
mod shared;
mod state;
mod unsettled;
mod used;
mod writer;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use error::OpenError;
pub use head::{FileHead, HeadError, HeadOptions};
pub use journal::FileJournal;
pub use options::Options;
