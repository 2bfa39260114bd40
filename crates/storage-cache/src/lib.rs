//! Holders in memory, in front of the store that keeps them: a verification looks its holder up without a call to the
//! database.
//!
//! **Never stale.** Every write goes through this port, in the one process that owns the store. A device that is being
//! written is looked up in the store until the write is over and was read back; if the writer is cut off in between, it
//! stays so. There is no bound of time because nothing old is ever answered.
//!
//! **All or nothing** (T16). Until everybody is in memory, everybody is looked up in the store; afterwards nobody is, and
//! a device that is not in memory is nobody's. So how long an answer takes never tells whether a device is known. If there
//! are more devices than the configured number, the store is asked for all.

mod devices;
mod subjects;
mod table;

pub use devices::CachedDevices;
pub use subjects::CachedSubjects;
