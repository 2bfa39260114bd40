//! The custodian: the other half of every field's key, yielded only against a warrant.
//!
//! In scope: keeping the custodian's shares, and handing those of the agreed fields to the vault once the custodian
//! has checked the whole warrant for itself. It sees no ciphertext and no plaintext. Not in scope: what the vault
//! does with the shares.
//!
//! Against a dishonest vault, a stolen vault key and a dishonest ledger operator (T3, T13): without this service, in
//! its own process with its own key, store and anchors, no field opens.

mod deposit;
mod replacement;
mod routes;
mod shares;

use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_domain::Clock;
use cyberid_key_holder::{Gate, KeyHolderError, ResealError, Resealed, reseal};
use cyberid_keystore::{Opener, Recipient, role};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_record::Side;
use cyberid_storage::custodian::CustodianStore;
use cyberid_storage::key_holder::KeyHolderStore;
use cyberid_storage::replacement::CustodianReplacements;

pub use routes::routes;

/// What a custodian is made of.
pub struct Parts {
    /// What it trusts about the ledger; its issuer is the audience of consents.
    pub anchors: Anchors,
    /// The authorities whose officers may order an official access.
    pub authorities: Authorities,
    /// The key that signs issuance's commands.
    pub enrolment_key: PublicKey,
    /// For how many seconds after it was bound a device beside the first opens nothing here.
    pub device_cooling_off: u64,
    /// The only key that shares are handed to: pinned, or the vault's active one where it is in this process.
    pub vault_key: Recipient,
    /// Its own store.
    pub store: Arc<dyn CustodianStore>,
    /// New versions of records, in its own store.
    pub replacements: Arc<dyn CustodianReplacements>,
    /// The keys that its shares are sealed to.
    pub key: Opener<role::Custodian>,
    /// Its own clock.
    pub clock: Arc<dyn Clock>,
}

/// The custodian.
pub struct Custodian {
    gate: Gate,
    vault_key: Recipient,
    store: Arc<dyn CustodianStore>,
    replacements: Arc<dyn CustodianReplacements>,
    key: Opener<role::Custodian>,
}

impl Custodian {
    /// The custodian of these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        let gate = Gate {
            holder: KeyHolder::Custodian,
            anchors: parts.anchors,
            authorities: parts.authorities,
            enrolment_key: parts.enrolment_key,
            device_cooling_off: parts.device_cooling_off,
            store: Arc::<dyn CustodianStore>::clone(&parts.store) as Arc<dyn KeyHolderStore>,
            clock: parts.clock,
        };
        Arc::new(Self {
            gate,
            vault_key: parts.vault_key,
            store: parts.store,
            replacements: parts.replacements,
            key: parts.key,
        })
    }

    /// Seals the custodian's shares anew that are sealed to an earlier key, until none is left or `stop` says so.
    pub async fn reseal(&self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Resealed, ResealError> {
        reseal(Side::Custodian, &self.key, &*self.store, stop).await
    }

    /// Begins: the store has to answer. There is nothing to finish, because every operation is one transaction.
    pub async fn recover(&self) -> Result<(), KeyHolderError> {
        self.gate.remembered_size().await.map(|_| ())
    }
}
