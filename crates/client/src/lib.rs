//! How one party calls another: JSON over HTTP that speaks in problems, authorised calls, and the public ledger
//! as a reader sees it.
//!
//! [`Client`] makes plain calls: between the platform's own services, and to every public operation. A
//! [`Session`] adds a DPoP-bound access token and keeps it fresh. [`ledger::LedgerReader`] fetches checkpoints
//! and tiles and notices a log that contradicts itself. Not in scope: what the messages mean.

mod body;
mod client;
mod error;

pub use client::{Client, Limits};
pub use error::ClientError;
