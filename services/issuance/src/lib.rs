//! Issuance: enrolment, the network number (网号), the network certificate (网证), and what a holder sees of them.
//!
//! In scope: the enrolment cycle (`docs/cycles/enrolment.md`), which no crash leaves half done; key-proof nonces; the
//! daily matching of age tags; `GET /v1/me`. Not in scope: who a person is (the identity source), what is kept about
//! them (vault and custodian: issuance seals and cannot open), who may ask what of them (verification).
//!
//! One process at a time runs the enrolments of a registry: the list of those that are running is in its memory.

mod age;
mod calendar;
mod certificate;
mod document;
mod enrolment;
mod error;
mod guardian;
mod key_holders;
mod key_proof;
mod me;
mod nonce;
mod passkey;
mod recovery;
mod routes;
mod running;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_domain::id::SubjectId;
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_keystore::role::{Age, Certificate, Enrolment, Evidence, Message, Token};
use cyberid_keystore::{MacHandle, Opener, Signer};
use cyberid_pin::{PinAttempts, PinHasher};
use cyberid_storage::guardianship::Guardianships;
use cyberid_storage::official::NumberSalts;
use cyberid_storage::passkey::Passkeys;
use cyberid_storage::single_use::SingleUses;
use cyberid_storage::subject::Subjects;

pub use error::{EnrolmentError, SourceFailure};
pub use passkey::PasskeyError;
pub use routes::routes;

use running::Running;

/// What issuance is made of.
pub struct Parts {
    /// The platform's issuer.
    pub issuer: String,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Subjects in the registry.
    pub subjects: Arc<dyn Subjects>,
    /// Who is whose guardian, in the registry.
    pub guardianships: Arc<dyn Guardianships>,
    /// What opens the commitments to network numbers, in the registry.
    pub number_salts: Arc<dyn NumberSalts>,
    /// Passkeys in the registry.
    pub passkeys: Arc<dyn Passkeys>,
    /// Used nonces in the registry.
    pub single_uses: Arc<dyn SingleUses>,
    /// The vault.
    pub vault: Client,
    /// The custodian.
    pub custodian: Client,
    /// The identity source.
    pub source: Client,
    /// What is sealed to the vault, pinned.
    pub vault_key: PublicKey,
    /// What is sealed to the custodian, pinned.
    pub custodian_key: PublicKey,
    /// What the source's answers are checked with, pinned.
    pub source_signing_key: PublicKey,
    /// What questions are sealed to, pinned.
    pub source_encryption_key: PublicKey,
    /// Signs commands to vault and custodian.
    pub enrolment_key: Signer<Enrolment>,
    /// Signs network certificates.
    pub certificate_key: Signer<Certificate>,
    /// Opens what holders seal.
    pub message_key: Opener<Message>,
    /// Computes the tags of the source's handles of people.
    pub evidence_key: MacHandle<Evidence>,
    /// Computes age tags.
    pub age_key: MacHandle<Age>,
    /// Authenticates nonces.
    pub token_key: MacHandle<Token>,
    /// Hashes PINs.
    pub pins: PinHasher,
}

/// Issuance.
pub struct Issuance {
    parts: Parts,
    started: UnixTime,
    running: Running,
    pin_attempts: PinAttempts,
    /// Enrolments of an earlier process that this one has freed and not ended yet.
    freed: Mutex<HashSet<SubjectId>>,
}

impl Issuance {
    /// Issuance that has not accepted anything yet: [`recover`](Self::recover) goes first.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            started: parts.clock.now(),
            running: Running::default(),
            pin_attempts: PinAttempts::new(Arc::clone(&parts.subjects), parts.pins.clone()),
            freed: Mutex::default(),
            parts,
        })
    }

    fn now(&self) -> UnixTime {
        self.parts.clock.now()
    }
}
