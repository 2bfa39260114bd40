//! The internet service provider's side: asking for a verification or a release, and believing only what was checked.
//!
//! An answer of the platform becomes a [`VerifiedAttestation`] or a [`ReleasedIdentity`] in one step that makes every
//! check there is; there is no other way to either type. Plaintext is accepted only with the proof that the ledger
//! says so. Not in scope: accounts, storage, and what a relying party does with what it learns.
//!
//! # An integration
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use cyberid_client::Client;
//! use cyberid_domain::check::{Check, Factor};
//! use cyberid_domain::{clock::SystemClock, rng::SystemRng};
//! use cyberid_relying_party::{Ask, CheckpointFile, RelyingParty, RpKeys, VerifiedOutcome};
//!
//! # fn show(_: &str, _: &str) {}
//! # fn open_account(_: &str) {}
//! async fn register_a_customer() -> Result<(), Box<dyn std::error::Error>> {
//!     let keys = RpKeys::load("rp-keys.json".as_ref())?;
//!     let client = Client::new("https://id.example")?;
//!     let client_id = "AAAAAAAAAAAAAAAAAAAAAA".parse()?;
//!     let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
//!     let party = RelyingParty::contact(client, client_id, &keys, clock, rng)
//!         .await?
//!         .remembering(Arc::new(CheckpointFile::new("ledger.json")))?;
//!     let ask = Ask {
//!         purpose: "open-account".into(),
//!         checks: vec![Check::RealPerson, Check::AgeOver18],
//!         factors: vec![Factor::Pin],
//!         ..Ask::default()
//!     };
//!     let pending = party.request_verification(&ask).await?;
//!     show(&pending.request_uri, &pending.comparison_code);
//!     match party.wait(&pending).await? {
//!         VerifiedOutcome::Attested(attestation) => match attestation.passed() {
//!             Some(pseudonym) => open_account(pseudonym),
//!             None => println!("some check failed: {:?}", attestation.checks()),
//!         },
//!         VerifiedOutcome::Declined => println!("the customer refused"),
//!         VerifiedOutcome::Expired => println!("nobody answered in time"),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Clocks
//!
//! Times are whole seconds. A clock may be wrong by 60 seconds ([`cyberid_domain::clock::SKEW`]) in either direction,
//! and by no second more: what was issued at `iat` is taken from `iat - 60` on, and what expires at `exp` until
//! `exp + 59`. An attestation that claims a life of more than 600 seconds is refused whatever the time. An event of
//! the feed has no end; a pushed one is taken until 7 days and 60 seconds after its `iat`.
//!
//! # Keys
//!
//! The platform's keys are fetched when they are first needed, and again when they are five minutes old
//! ([`cyberid_client::KEYS_FRESH`]): a key that the platform withdraws is believed for that long at most, and none is
//! when they cannot be fetched. A key that signs is known already, since the platform publishes it ahead; should it
//! not be, it is looked for once in ten seconds at most, and everybody waits for the same answer.
//!
//! # What does not compile
//!
//! There is no way to a verified attestation but the check:
//!
//! ```compile_fail,E0451
//! # fn forge(real: cyberid_relying_party::VerifiedAttestation) {
//! let forged = cyberid_relying_party::VerifiedAttestation { sub: Some("a pseudonym".into()), ..real };
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! let read: cyberid_relying_party::VerifiedAttestation = serde_json::from_str("{}").unwrap();
//! ```
//!
//! nor to a released identity, nor to an answered question, nor to a pushed event:
//!
//! ```compile_fail,E0277
//! let read: cyberid_relying_party::ReleasedIdentity = serde_json::from_str("{}").unwrap();
//! ```
//!
//! ```compile_fail,E0599
//! let nothing_asked = cyberid_relying_party::Expected::default();
//! ```
//!
//! ```compile_fail,E0277
//! let read: cyberid_relying_party::PushedEvent = serde_json::from_str("{}").unwrap();
//! ```
//!
//! A pseudonym is had from a pass alone; the field that holds it is nobody's:
//!
//! ```compile_fail,E0616
//! # fn peek(attestation: cyberid_relying_party::VerifiedAttestation) {
//! let pseudonym = attestation.sub;
//! # }
//! ```
//!
//! and it may be missing, which has to be said:
//!
//! ```compile_fail,E0308
//! # fn trust(attestation: cyberid_relying_party::VerifiedAttestation) {
//! let pseudonym: &str = attestation.passed();
//! # }
//! ```
//!
//! A question that was submitted is gone, and so is an event that was handled:
//!
//! ```compile_fail,E0382
//! # use cyberid_relying_party::{PushedEvent, RelyingParty};
//! # fn twice(party: RelyingParty, pushed: PushedEvent) {
//! party.handled(pushed);
//! party.handled(pushed);
//! # }
//! ```

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
