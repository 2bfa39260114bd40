//! Stores that do not agree with what was signed.

use cyberid_storage::ledger::LedgerHead;
use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner};
use cyberid_tlog::policy::Policy;
use std::sync::Arc;

use super::memory::Fault;
use super::{ORIGIN, Stores, append, bodies, id};
use crate::{Ledger, LedgerError};

/// A log of `signed` leaves under its head, and one more that a crash left unsigned.
async fn crashed(signed: u64) -> Stores {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..signed)).await;
    stores.head.fail(Fault::Lost);
    let unknown = ledger.append(id(), format!("leaf {signed}")).await;
    assert!(matches!(unknown, Err(LedgerError::Unknown(_))));
    assert_eq!(stores.head_size().await, Some(signed));
    stores
}

#[tokio::test]
async fn a_new_log_begins_with_the_signed_checkpoint_of_nothing() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    assert_eq!(ledger.latest().size(), 0);
    assert_eq!(stores.head_size().await, Some(0));
    assert_eq!(stores.reader().latest().await.unwrap(), ledger.latest());
}

#[tokio::test]
async fn leaves_that_a_crash_left_unsigned_are_signed_at_the_next_start() {
    for signed in [0, 1, 255, 256, 300] {
        let stores = crashed(signed).await;
        let ledger = stores.open().await.unwrap();
        assert_eq!(ledger.latest().size(), signed + 1);
        append(&ledger, &bodies(signed + 1..signed + 2)).await;
        stores.assert_holds(&bodies(0..signed + 2)).await;
    }
}

#[tokio::test]
async fn a_leaf_altered_before_it_was_signed_is_not_signed() {
    let stores = crashed(3).await;
    stores.store.tamper(3, "something else");
    let refused = stores.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Contradicts { size: 4 })),
        "{refused:?}"
    );
    assert_eq!(stores.head_size().await, Some(3));
}

#[tokio::test]
async fn altered_tiles_are_noticed() {
    for (level, index) in [(0, 1), (1, 0)] {
        let stores = Stores::default();
        append(&stores.open().await.unwrap(), &bodies(0..300)).await;
        stores.store.tamper_tile(level, index);
        let refused = stores.open().await.err();
        assert!(
            matches!(refused, Some(LedgerError::Contradicts { size: 300 })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_store_that_keeps_other_bytes_is_noticed_before_the_signature() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..2)).await;
    stores.store.garble_next_append();
    let refused = ledger.append(id(), "leaf 2".into()).await;
    assert!(
        matches!(refused, Err(LedgerError::Contradicts { size: 3 })),
        "{refused:?}"
    );
    assert_eq!(stores.head_size().await, Some(2));
    let stopped = ledger.append(id(), "leaf 3".into()).await;
    assert!(matches!(stopped, Err(LedgerError::Stopped)));
}

#[tokio::test]
async fn a_restored_store_signs_nothing() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..3)).await;
    let backup = Arc::new(stores.store.backup());
    append(&ledger, &bodies(3..5)).await;
    let restored = Stores {
        store: backup,
        head: Arc::clone(&stores.head),
    };
    let refused = restored.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Behind { head: 5, store: 3 })),
        "{refused:?}"
    );
    assert_eq!(restored.head_size().await, Some(5));
}

#[tokio::test]
async fn another_log_of_the_same_size_signs_nothing() {
    let (stores, others) = (Stores::default(), Stores::default());
    append(&stores.open().await.unwrap(), &bodies(0..3)).await;
    append(&others.open().await.unwrap(), &bodies(1..4)).await;
    let mixed = Stores {
        store: others.store,
        head: stores.head,
    };
    let refused = mixed.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Contradicts { size: 3 })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_log_without_its_head_signs_nothing() {
    let stores = Stores::default();
    append(&stores.open().await.unwrap(), &bodies(0..2)).await;
    stores.head.replace(None);
    let refused = stores.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::HeadMissing { store: 2 })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_head_of_another_key_or_with_other_words_is_refused() {
    let stores = Stores::default();
    append(&stores.open().await.unwrap(), &bodies(0..2)).await;
    let head = stores.head.head().await.unwrap().unwrap();

    let stranger = Ed25519Signer::from_seed(ORIGIN, &[9; 32]).ok().unwrap();
    let mut parts = stores.parts();
    parts.policy = Policy::without_witnesses(stranger.verifier_key().clone()).unwrap();
    parts.key = Arc::new(stranger);
    assert!(matches!(
        Ledger::open(parts).await.err(),
        Some(LedgerError::ForeignHead)
    ));

    let mut lying = head;
    lying.size = 1;
    stores.head.replace(Some(lying));
    assert!(matches!(
        stores.open().await.err(),
        Some(LedgerError::ForeignHead)
    ));
}

#[tokio::test]
async fn a_head_that_moved_elsewhere_stops_the_sequencer() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..2)).await;
    let mut head = stores.head.head().await.unwrap().unwrap();
    let elsewhere = Checkpoint::new(ORIGIN, 7, super::root(&bodies(0..7))).unwrap();
    let elsewhere = elsewhere.sign(&super::log_key()).unwrap();
    (head.size, head.root) = (7, *elsewhere.root().as_bytes());
    head.note = elsewhere.note().to_string();
    stores.head.replace(Some(head.clone()));
    let stopped = ledger.append(id(), "leaf 2".into()).await;
    assert!(matches!(stopped, Err(LedgerError::Stopped)));
    assert_eq!(stores.head.head().await.unwrap(), Some(head));
}

#[tokio::test]
async fn a_policy_that_does_not_fit_is_refused() {
    let stores = Stores::default();
    let mut parts = stores.parts();
    parts.allow_unwitnessed = false;
    assert!(matches!(
        Ledger::open(parts).await.err(),
        Some(LedgerError::Unwitnessed)
    ));

    let stranger = Ed25519Signer::from_seed("other.example", &[9; 32]).ok().unwrap();
    let mut parts = stores.parts();
    parts.policy = Policy::without_witnesses(stranger.verifier_key().clone()).unwrap();
    assert!(matches!(
        Ledger::open(parts).await.err(),
        Some(LedgerError::ForeignPolicy)
    ));
    assert_eq!(stores.head_size().await, None);
}
