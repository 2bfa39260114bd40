//! The storage ports that only read: of the ledger, and of the registry for the regulator.
//!
//! They are a crate of their own so that a service which is to read and never to write, such as the audit, cannot so much as
//! name a write: nothing in its dependencies has one.

pub mod ledger;
pub mod oversight;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store failed; whether the change happened is unknown.
    #[error("the store failed, and whether the change happened is unknown")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds something that nobody could have written through its port.
    #[error("the store holds a {0} that cannot be")]
    Corrupt(&'static str),
}

/// What a store answers.
pub type Result<T> = std::result::Result<T, StorageError>;
