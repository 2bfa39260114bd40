//! The auditor: checks a whole ledger without trusting who runs it. It knows the formats and nothing else: no
//! service, no store.
//!
//! [`audit`] reads every leaf, re-hashes it and compares it with hashes that lead to the signed and cosigned root; holds
//! the log to the checkpoint that was accepted last time; and holds the kinds of every release to their order.
//! [`audit_on`] goes on from where an audit ended, or was interrupted, and [`Kept`] keeps where that is. [`Watch`]
//! follows a log, for which silence is a finding too. [`sample`] picks releases, and [`trace()`] checks one release end to end, with the consent itself.
//! [`export()`] copies a ledger to a directory that [`audit`] accepts offline.

mod anchors;
mod audit;
mod blame;
mod bundle;
mod chain;
mod encoding;
mod export;
mod finding;
mod http;
mod kept;
mod party;
mod published;
mod said;
mod sample;
mod source;
mod state;
mod story;
mod trace;
mod warning;
mod watch;

pub use anchors::{ANCHORS_FILE, AuditAnchors, InvalidAnchors};
pub use audit::{Keep, Progress, Report, audit, audit_on};
pub use chain::{ChainBreak, Chains};
pub use encoding::NotAState;
pub use export::export;
pub use finding::{AuditFailure, Finding, Silence};
pub use http::HttpSource;
pub use kept::{Kept, KeptError};
pub use party::PartyBreak;
pub use sample::{SampledRelease, SeededRng, sample};
pub use source::{DirectorySource, LedgerSource, SourceError};
pub use state::State;
pub use trace::{Trace, TraceBreak, trace};
pub use warning::{Warning, Warnings};
pub use watch::{Look, Watch};

// The ledger of the tests is that of the tests from outside, and names this crate as they do.
#[cfg(test)]
extern crate self as cyberid_auditor;

#[cfg(test)]
#[path = "../tests/ledger/mod.rs"]
mod ledger;

#[cfg(test)]
#[path = "../tests/memory/mod.rs"]
mod memory;
