//! Issuance: enrolment, the network number (网号), the network certificate (网证), and what a holder sees of them.
//!
//! In scope: the enrolment cycle (`docs/cycles/enrolment.md`), which no crash leaves half done; key-proof nonces; the
//! daily matching of age tags; `GET /v1/me`. Not in scope: who a person is (the identity source), what is kept about
//! them (vault and custodian: issuance seals and cannot open), who may ask what of them (verification).
//!
//! One process at a time runs the enrolments of a registry: the list of those that are running is in its memory.

mod age;
mod binding;
mod calendar;
mod case;
mod certificate;
mod counter;
mod device;
mod device_error;
mod document;
mod enrolment;
mod error;
mod guardian;
mod key_holders;
mod key_proof;
mod life;
mod me;
mod meter;
mod nonce;
mod notice;
mod passkey;
mod passport;
mod pin;
mod recovery;
mod reply_key;
mod reproof;
mod routes;
mod running;
mod settling;
mod source;
mod source_circuit;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_domain::age::Threshold;
use cyberid_domain::id::SubjectId;
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_keystore::role::{Age, Certificate, Enrolment, Evidence, Message, Token};
use cyberid_keystore::{MacHandle, Opener, Recipient, Signer};
use cyberid_pin::{PinAttempts, PinHasher};
use cyberid_storage::case::Cases;
use cyberid_storage::device::Devices;
use cyberid_storage::guardianship::Guardianships;
use cyberid_storage::life::{IdentityActs, Lives, Renumberings};
use cyberid_storage::notice::SourceNotices;
use cyberid_storage::official::NumberSalts;
use cyberid_storage::passkey::Passkeys;
use cyberid_storage::promise::Promises;
use cyberid_storage::single_use::SingleUses;
use cyberid_storage::subject::Subjects;
use tokio::sync::Notify;

pub use case::CaseError;
pub use device_error::DeviceError;
pub use error::{EnrolmentError, SourceFailure};
pub use life::LifeError;
pub use meter::RefusalLimits;
pub use notice::NoticeError;
pub use passkey::PasskeyError;
pub use passport::Passports;
pub use routes::routes;

use meter::Meter;
use nonce::Nonces;
use running::Running;
use settling::Settling;
use source_circuit::{Circuit, Line};

/// A custodian.
pub struct CustodianPeer {
    /// Where it is.
    pub client: Client,
    /// What is sealed to it: pinned, or its active key where it is in this process.
    pub key: Recipient,
}

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
    /// What is known of the lives of identifiers, in the registry.
    pub lives: Arc<dyn Lives>,
    /// What operators do to identifiers, in the registry.
    pub acts: Arc<dyn IdentityActs>,
    /// Fresh network numbers, in the registry.
    pub renumberings: Arc<dyn Renumberings>,
    /// Leaves that were promised, in the registry.
    pub promises: Arc<dyn Promises>,
    /// Told when a leaf was promised.
    pub promised: Arc<Notify>,
    /// Up to which age nobody enrols without a guardian: 14 or 18.
    pub guardian_until: Threshold,
    /// Passkeys in the registry.
    pub passkeys: Arc<dyn Passkeys>,
    /// Devices in the registry.
    pub devices: Arc<dyn Devices>,
    /// For how many seconds a device beside the first releases no plaintext.
    pub device_cooling_off: u64,
    /// How often enrolments and recoveries may be refused.
    pub refusal_limits: RefusalLimits,
    /// What the identity source has told, in the registry.
    pub notices: Arc<dyn SourceNotices>,
    /// Cases that two operators decide, in the registry.
    pub cases: Arc<dyn Cases>,
    /// Used nonces in the registry.
    pub single_uses: Arc<dyn SingleUses>,
    /// The vault.
    pub vault: Client,
    /// The custodian; or three, of whom any two are enough to open what is sealed.
    pub custodians: Vec<CustodianPeer>,
    /// The identity source.
    pub source: Client,
    /// What is sealed to the vault: pinned, or its active key where it is in this process.
    pub vault_key: Recipient,
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
    /// What is asked of a passport.
    pub passports: Passports,
}

/// Issuance.
pub struct Issuance {
    parts: Parts,
    started: UnixTime,
    running: Running,
    settling: Settling,
    pin_attempts: PinAttempts,
    meter: Meter,
    nonces: Nonces,
    /// One act of operators at a time: it waits for no key holder.
    turning: tokio::sync::Mutex<()>,
    /// One change of a number at a time.
    numbering: tokio::sync::Mutex<()>,
    /// One case at a time.
    deciding: tokio::sync::Mutex<()>,
    source_checks: Circuit,
    source_notices: Circuit,
    /// One record is replaced at a time.
    replacing: tokio::sync::Mutex<()>,
    /// Enrolments of an earlier process that this one has freed and not ended yet.
    freed: Mutex<HashSet<SubjectId>>,
}

impl Issuance {
    /// Issuance that has not accepted anything yet: [`recover`](Self::recover) goes first.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            started: parts.clock.now(),
            running: Running::default(),
            settling: Settling::default(),
            meter: Meter::new(parts.refusal_limits, &*parts.rng),
            nonces: Nonces::new(&*parts.rng),
            pin_attempts: PinAttempts::new(Arc::clone(&parts.subjects), parts.pins.clone()),
            turning: tokio::sync::Mutex::default(),
            numbering: tokio::sync::Mutex::default(),
            deciding: tokio::sync::Mutex::default(),
            freed: Mutex::default(),
            source_checks: Circuit::new(Line::Checks, Arc::clone(&parts.clock)),
            source_notices: Circuit::new(Line::Notices, Arc::clone(&parts.clock)),
            replacing: tokio::sync::Mutex::default(),
            parts,
        })
    }

    fn now(&self) -> UnixTime {
        self.parts.clock.now()
    }
}
