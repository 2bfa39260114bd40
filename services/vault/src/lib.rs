//! The vault: the identity records and the blind index. It opens fields only against a warrant, and never alone.
//!
//! In scope: reserving a person in the keyed blind index, keeping encrypted fields and the vault's shares, and opening
//! the agreed fields of one record for one relying party once the vault has checked the whole warrant for itself and
//! the custodian, or two of three, has yielded its shares. Not in scope: who may enrol, which relying party may ask, the ledger.
//!
//! Against a stolen database (T4): values under keys that need two shares, and tags under a key that is elsewhere.
//! Against an insider (T3): without a warrant that the custodian accepts too, nothing opens here.

mod cooling_off;
mod custodians;
mod deposit;
mod error;
mod index;
mod official;
mod opening;
mod replacement;
mod reservation;
mod routes;

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_domain::Clock;
use cyberid_key_holder::{Gate, KeyHolderError, reseal};
use cyberid_keystore::{MacHandle, Opener, Signer, role};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_record::Side;
use cyberid_storage::key_holder::KeyHolderStore;
use cyberid_storage::replacement::VaultReplacements;
use cyberid_storage::vault::VaultStore;

pub use cyberid_key_holder::{ResealError, Resealed};
pub use routes::routes;

/// What a vault is made of.
pub struct Parts {
    /// What it trusts about the ledger; its issuer is the audience of consents and the issuer of identities.
    pub anchors: Anchors,
    /// The authorities whose officers may order an official access.
    pub authorities: Authorities,
    /// The key that signs issuance's commands.
    pub enrolment_key: PublicKey,
    /// For how many seconds after it was bound a device beside the first opens nothing here.
    pub device_cooling_off: u64,
    /// Its own store.
    pub store: Arc<dyn VaultStore>,
    /// New versions of records, in its own store.
    pub replacements: Arc<dyn VaultReplacements>,
    /// The keys that its shares, and what is for it alone, are sealed to.
    pub key: Opener<role::Vault>,
    /// The key of the blind index.
    pub index: MacHandle<role::Index>,
    /// The key that signs released identities.
    pub identity: Signer<role::Identity>,
    /// Where the custodian is; or three, of whom any two are enough.
    pub custodians: Vec<Client>,
    /// For how many seconds, in whole days, nobody is reserved anew whose identifier ended.
    pub index_cooling_off: u64,
    /// Its own clock.
    pub clock: Arc<dyn Clock>,
}

/// The vault.
pub struct Vault {
    gate: Gate,
    store: Arc<dyn VaultStore>,
    replacements: Arc<dyn VaultReplacements>,
    key: Opener<role::Vault>,
    index: MacHandle<role::Index>,
    identity: Signer<role::Identity>,
    custodians: Vec<Client>,
    index_cooling_off: u64,
}

impl Vault {
    /// The vault of these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        let gate = Gate {
            holder: KeyHolder::Vault,
            anchors: parts.anchors,
            authorities: parts.authorities,
            enrolment_key: parts.enrolment_key,
            device_cooling_off: parts.device_cooling_off,
            store: Arc::<dyn VaultStore>::clone(&parts.store) as Arc<dyn KeyHolderStore>,
            clock: parts.clock,
        };
        Arc::new(Self {
            gate,
            store: parts.store,
            replacements: parts.replacements,
            key: parts.key,
            index: parts.index,
            identity: parts.identity,
            custodians: parts.custodians,
            index_cooling_off: parts.index_cooling_off,
        })
    }

    /// Seals the vault's shares anew that are sealed to an earlier key, until none is left or `stop` says so.
    pub async fn reseal(&self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Resealed, ResealError> {
        reseal(Side::Vault, &self.key, &*self.store, stop).await
    }

    /// Begins: the store has to answer. There is nothing to finish, because every operation is one transaction.
    pub async fn recover(&self) -> Result<(), KeyHolderError> {
        self.gate.remembered_size().await.map(|_| ())
    }
}
