//! Reading the log and proving what is in it, with nothing but read access: who depends on this crate and not on
//! `cyberid-ledger` cannot name an append.

mod error;
mod reader;
pub mod tiles;

pub use error::ReadError;
pub use reader::{LedgerReader, Under};
