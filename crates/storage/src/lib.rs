//! The storage ports: small traits shaped by operation, whose words are the durability contract.
//!
//! Four stores, each a database of its own: [`vault`] and [`custodian`] (with [`key_holder`], [`seals`] and [`erasure`]), registry ([`subject`], [`life`], [`device`], [`counter`], [`guardianship`], [`relying_party`],
//! [`verification`], [`release`], [`official`], [`promise`], [`event`], [`single_use`], [`passkey`], [`idempotency`], [`cancellation`],
//! [`journal`]; and, for the regulator, [`oversight`]; for each person, [`held`]) and
//! [`ledger`], whose [`head`] lives apart from what a backup restores.
//!
//! The contract of every port: a method that changes something is one transaction. When it returns `Ok`, the change
//! survives power loss. When it returns [`StorageError::Unknown`], the change may or may not have happened; the
//! caller asks again, and every change is shaped so that asking again is safe. A backend passes the suite in
//! `conformance`, a feature of this crate. What can only be read is in `cyberid-storage-read`, and is given on here.

pub mod cancellation;
pub mod case;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod counter;
pub mod custodian;
pub mod device;
pub mod erasure;
pub mod event;
pub mod guardianship;
pub mod head;
pub mod held;
pub mod idempotency;
pub mod journal;
pub mod key_holder;
pub mod ledger;
pub mod life;
pub mod notice;
pub mod official;
pub mod passkey;
pub mod promise;
pub mod release;
pub mod relying_party;
pub mod replacement;
pub mod seals;
pub mod single_use;
pub mod subject;
mod synchronous;
pub mod vault;
pub mod verification;

pub use cyberid_storage_read::{Result, StorageError, oversight};
pub use synchronous::Synchronous;
