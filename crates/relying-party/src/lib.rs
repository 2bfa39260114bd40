//! The internet service provider's side: asking for a verification or a release, and believing only what was checked.
//!
//! An answer of the platform becomes a [`VerifiedAttestation`] or a [`ReleasedIdentity`] in one step that makes every
//! check there is; there is no other way to either type. Plaintext is accepted only with the proof that the ledger
//! says so. Not in scope: accounts, storage, and what a relying party does with what it learns.

mod attestation;
mod checkpoint;
mod direct;
mod error;
mod event;
mod identity;
mod keys;
mod once;
#[cfg(test)]
#[path = "../../client/src/testing.rs"]
pub mod platform_double;
mod registration;
mod release;
mod relying_party;
#[cfg(test)]
mod testing;
mod verification;

pub use attestation::{AttestationRefused, Expected, VerifiedAttestation};
pub use checkpoint::{CheckpointFile, Checkpoints};
pub use cyberid_client::ledger::Tree;
pub use cyberid_client::{Pins, Platform};
pub use error::RelyingPartyError;
pub use event::{EventRefused, PushedEvent, Received, VerifiedEvents};
pub use identity::{IdentityRefused, ReleasedIdentity};
pub use keys::RpKeys;
pub use registration::{Particulars, registration};
pub use release::PendingRelease;
pub use relying_party::RelyingParty;
pub use verification::{Ask, PendingVerification, VerifiedOutcome};
