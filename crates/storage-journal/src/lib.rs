//! Verifications, the proofs they consumed and the journal of visits.

mod entry;
mod journal;
mod state;
mod used;

pub use journal::{FileJournal, OpenError, Options};
