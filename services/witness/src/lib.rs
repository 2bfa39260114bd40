//! A witness: it cosigns the checkpoints of the logs it knows, and of each log only one history.
//!
//! In scope: the server's side of [C2SP tlog-witness](https://c2sp.org/tlog-witness), `add-checkpoint`, with Ed25519
//! cosignatures ([tlog-cosignature](https://c2sp.org/tlog-cosignature)). Not in scope: what the leaves say. A witness
//! needs no database, no other service and nothing of the platform's: a supervisor or another independent body runs
//! it elsewhere, and keeps a log from showing different people different histories.
//!
//! What it must never forget is the last checkpoint of each log that it cosigned: one small file per log, replaced
//! whole and synced before the cosignature leaves. A key whose memory is missing or damaged does not sign again. Whoever
//! puts an older file back gains a cosignature on a second history; the file's own signatures do not show its age, so
//! the folder belongs to the witness alone and is in no backup.

mod disk;
mod error;
mod key;
mod memory;
mod routes;
mod witness;

pub use error::{Refused, WitnessError};
pub use routes::routes;
pub use witness::{Parts, WatchedLog, Witness, origin_hash};
