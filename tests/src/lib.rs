//! A whole platform for a test, in one line: the real executable, real sockets, real keys, and its people.
//!
//! ```no_run
//! # async fn example() {
//! let platform = journeys::TestPlatform::start().await;
//! let citizen = platform.citizen(0).await;
//! let sub = journeys::verified_sub(&platform.relying_party().await, &citizen).await;
//! # }
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this package is test support: a surprise ends the test"
)]

pub mod attacks;
pub mod canaries;
mod documents;
pub mod durability;
mod keystore;
mod passkey;
mod people;
mod platform;
mod process;
mod program;
mod release;
mod split;
mod suite;

pub use cyberid_crypto::Suite;
pub use documents::{DocumentedBody, Operation, TOKEN_ERRORS, documents, documents_in, operations};
pub use keystore::on_a_token;
pub use passkey::Passkey;
pub use people::{Citizen, Person, passes, verified_sub};
pub use platform::{PIN, TestPlatform};
pub use process::{Process, executable, free_address, shell};
pub use program::Program;
pub use release::{Granted, consent_to, identity_in};
pub use split::{LEDGER, Part, SplitPlatform};
pub use suite::suite;
