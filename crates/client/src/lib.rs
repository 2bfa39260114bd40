//! How one party calls another: JSON over HTTP that speaks in problems, authorised calls, and the platform and its
//! public ledger as somebody outside sees them.
//!
//! [`Client`] makes plain calls: between the platform's own services, and to every public operation. A
//! [`Session`] adds an access token bound to a key and keeps it fresh. [`Platform`] knows which keys sign for
//! the platform and to which key to seal. [`ledger::LedgerReader`] reads checkpoints and tiles and notices a log that
//! contradicts itself. [`key_file`] keeps an outsider's own keys. Not in scope: what messages mean.

mod body;
mod client;
mod connection;
mod dpop;
mod error;
pub mod key_file;
pub mod ledger;
mod platform;
mod session;
#[cfg(test)]
pub mod testing;

pub use client::{Client, Limits, Tls};
pub use error::ClientError;
pub use platform::{KEYS_FRESH, KeyRole, MessageRefused, Pins, Platform, PlatformError, REFRESH_INTERVAL};
pub use session::{CallProof, Session};
