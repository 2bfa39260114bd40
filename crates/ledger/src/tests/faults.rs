//! Writes that fail, in pairs: not stored, and stored all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cyberid_tlog::note::{Ed25519Signer, NoteSigner, SignerError, VerifierKey};

use super::memory::{Fault, Write};
use super::{Stores, append, bodies, id, log_key};
use crate::{Ledger, LedgerError};

fn fail(stores: &Stores, write: Write, fault: Fault) {
    match write {
        Write::Swap => stores.head.fail(fault),
        _ => stores.store.fail(write, fault),
    }
}

const PAIRS: [(Write, Fault); 6] = [
    (Write::Append, Fault::Lost),
    (Write::Append, Fault::Stored),
    (Write::Swap, Fault::Lost),
    (Write::Swap, Fault::Stored),
    (Write::Checkpoint, Fault::Lost),
    (Write::Checkpoint, Fault::Stored),
];

#[tokio::test]
async fn whatever_fails_asking_again_heals_it() {
    for (write, fault) in PAIRS {
        let stores = Stores::default();
        let ledger = stores.open().await.unwrap();
        append(&ledger, &bodies(0..3)).await;
        let name = id();
        fail(&stores, write, fault);
        let unknown = ledger.append(name.clone(), "leaf 3".into()).await;
        assert!(
            matches!(unknown, Err(LedgerError::Unknown(_))),
            "{write:?} {fault:?}"
        );
        let place = ledger.append(name, "leaf 3".into()).await.unwrap();
        assert_eq!(place, 3, "{write:?} {fault:?}");
        append(&ledger, &bodies(4..6)).await;
        stores.assert_holds(&bodies(0..6)).await;
    }
}

#[tokio::test]
async fn whatever_fails_starting_again_heals_it() {
    for (write, fault) in PAIRS {
        let stores = Stores::default();
        let name = id();
        {
            let ledger = stores.open().await.unwrap();
            append(&ledger, &bodies(0..3)).await;
            fail(&stores, write, fault);
            let unknown = ledger.append(name.clone(), "leaf 3".into()).await;
            assert!(
                matches!(unknown, Err(LedgerError::Unknown(_))),
                "{write:?} {fault:?}"
            );
        }
        let ledger = stores.open().await.unwrap();
        assert_eq!(ledger.append(name, "leaf 3".into()).await.unwrap(), 3);
        stores.assert_holds(&bodies(0..4)).await;
    }
}

#[tokio::test]
async fn the_first_signature_heals_too() {
    for (write, fault) in PAIRS.into_iter().filter(|(write, _)| *write != Write::Append) {
        let stores = Stores::default();
        fail(&stores, write, fault);
        assert!(matches!(stores.open().await.err(), Some(LedgerError::Unknown(_))));
        append(&stores.open().await.unwrap(), &bodies(0..1)).await;
        stores.assert_holds(&bodies(0..1)).await;
    }
}

#[tokio::test]
async fn while_the_store_fails_nothing_is_answered_and_nothing_is_lost() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    let name = id();
    // The append is stored, and both attempts to sign it fail.
    stores.head.fail(Fault::Lost);
    stores.head.fail(Fault::Lost);
    for _ in 0..2 {
        let unknown = ledger.append(name.clone(), "leaf 0".into()).await;
        assert!(matches!(unknown, Err(LedgerError::Unknown(_))));
        assert_eq!(ledger.latest().size(), 0);
    }
    assert_eq!(ledger.append(name, "leaf 0".into()).await.unwrap(), 0);
    stores.assert_holds(&bodies(0..1)).await;
}

/// A key that can be taken away.
struct Removable(Ed25519Signer, AtomicBool);

impl NoteSigner for Removable {
    fn verifier_key(&self) -> &VerifierKey {
        self.0.verifier_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(SignerError::Unavailable);
        }
        self.0.sign(message)
    }
}

#[tokio::test]
async fn a_key_that_comes_back_goes_on() {
    let stores = Stores::default();
    let key = Arc::new(Removable(log_key(), AtomicBool::new(false)));
    let mut parts = stores.parts();
    parts.key = Arc::clone(&key) as _;
    let ledger = Ledger::open(parts).await.unwrap();
    let name = id();
    key.1.store(true, Ordering::SeqCst);
    let refused = ledger.append(name.clone(), "leaf 0".into()).await;
    assert!(matches!(refused, Err(LedgerError::Key(SignerError::Unavailable))));
    assert_eq!(stores.head_size().await, Some(0));
    key.1.store(false, Ordering::SeqCst);
    assert_eq!(ledger.append(name, "leaf 0".into()).await.unwrap(), 0);
    stores.assert_holds(&bodies(0..1)).await;
}
