//! The auditor: checks a whole ledger without trusting who runs it. It knows the formats and nothing else: no
//! service, no store.
//!
//! [`audit`] rebuilds the log from its entries, re-hashes every leaf, compares each with its hash tile, and the whole
//! with the signed checkpoint, its cosignatures and the checkpoint that was kept last time; and it holds the kinds of
//! every release to their order. [`export`] copies a ledger to a directory that [`audit`] accepts offline.

mod anchors;
mod audit;
mod chain;
mod export;
mod finding;
mod http;

mod kept;
mod source;

pub use anchors::{ANCHORS_FILE, AuditAnchors, InvalidAnchors};
pub use audit::{Progress, Report, audit};
pub use chain::{ChainBreak, Chains};
pub use export::export;
pub use finding::{AuditFailure, Finding};
pub use http::HttpSource;

pub use kept::{Kept, KeptError};
pub use source::{DirectorySource, LedgerSource, SourceError};
