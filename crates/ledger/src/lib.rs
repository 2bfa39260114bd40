//! The sequencer of the transparency log: append, sign, witness, prove.
//!
//! In scope: giving every leaf its place, exactly once; signing the log's checkpoints and never two that contradict
//! each other; collecting the witnesses' cosignatures ([tlog-witness](https://c2sp.org/tlog-witness)); proofs and
//! [tiles](https://c2sp.org/tlog-tiles) for whoever reads. Not in scope: the mathematics (`cyberid-tlog`), what a leaf
//! says (`cyberid-protocol`), where it is stored (`cyberid-storage` and its backends), HTTP.
//!
//! A [`Ledger`] writes; a [`LedgerReader`] (`cyberid-ledger-read`) proves with nothing but read access. One sequencer writes one log: the log's
//! size is compared at every append and its head at every signature, and whoever loses stops for good. What was not
//! answered is asked again: a leaf is named before it has a place, and one name has one place.

mod backlog;
mod cosigned;
mod cosigner;
mod error;
mod key;
mod ledger;
mod names;
pub mod promises;
mod publisher;
mod queue;
mod recovery;
mod sequencer;
mod submitter;
#[cfg(test)]
mod tests;
mod tree;
mod writer;

pub use cosigned::CosignedCheckpoint;
pub use cyberid_ledger_read::{LedgerReader, ReadError, Under};
pub use error::LedgerError;
pub use key::LogKey;
pub use ledger::{Ledger, Parts};
pub use submitter::Witness;
