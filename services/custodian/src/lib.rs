//! The custodian: the other half of every field's key, yielded only against a warrant.
//!
//! In scope: keeping the custodian's shares, and handing those of the agreed fields to the vault once the custodian
//! has checked the whole warrant for itself. It sees no ciphertext and no plaintext. Not in scope: what the vault
//! does with the shares.
//!
//! Against a dishonest vault, a stolen vault key and a dishonest ledger operator (T3, T13): without this service, in
//! its own process with its own key, store and anchors, no field opens.

mod deposit;
mod routes;
mod shares;

use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_domain::Clock;
use cyberid_key_holder::{Gate, KeyHolderError};
use cyberid_keystore::{Opener, role};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::official::Authorities;
use cyberid_protocol::warrant::Anchors;
use cyberid_storage::custodian::CustodianStore;
use cyberid_storage::key_holder::KeyHolderStore;

pub use routes::routes;

/// What a custodian is made of.
pub struct Parts {
    /// What it trusts about the ledger; its issuer is the audience of consents.
    pub anchors: Anchors,
    /// The authorities whose officers may order an official access.
    pub authorities: Authorities,
    /// The key that signs issuance's commands.
    pub enrolment_key: PublicKey,
    /// The only key that shares are handed to.
    pub vault_key: PublicKey,
    /// Its own store.
    pub store: Arc<dyn CustodianStore>,
    /// The keys that its shares are sealed to.
    pub key: Opener<role::Custodian>,
    /// Its own clock.
    pub clock: Arc<dyn Clock>,
}

/// The custodian.
pub struct Custodian {
    gate: Gate,
    vault_key: PublicKey,
    store: Arc<dyn CustodianStore>,
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
            store: Arc::<dyn CustodianStore>::clone(&parts.store) as Arc<dyn KeyHolderStore>,
            clock: parts.clock,
        };
        Arc::new(Self {
            gate,
            vault_key: parts.vault_key,
            store: parts.store,
            key: parts.key,
        })
    }

    /// Begins: the store has to answer. There is nothing to finish, because every operation is one transaction.
    pub async fn recover(&self) -> Result<(), KeyHolderError> {
        self.gate.remembered_size().await.map(|_| ())
    }
}
