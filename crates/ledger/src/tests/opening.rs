//! Stores that do not agree with what was signed.

use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner};
use cyberid_tlog::policy::Policy;
use std::sync::Arc;

use super::{Call, ORIGIN, Stores, append, bodies, id};
use crate::{Ledger, LedgerError};

/// A log of `known` leaves in the store, and `held` more that a crash left in the head.
async fn crashed(known: u64, held: u64) -> Stores {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..known)).await;
    stores.faults.break_down(Call::Append);
    for body in bodies(known..known + held) {
        ledger.append(id(), body).await.unwrap();
    }
    drop(ledger);
    stores.ended().await;
    stores.faults.repair();
    stores
}

#[tokio::test]
async fn a_new_log_begins_with_the_signed_checkpoint_of_nothing() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    assert_eq!(ledger.latest().size(), 0);
    assert_eq!(stores.head_size(), Some(0));
    assert_eq!(stores.reader().latest().await.unwrap(), ledger.latest());
}

#[tokio::test]
async fn leaves_that_a_crash_left_in_the_head_are_brought_to_the_store_at_the_next_start() {
    for (known, held) in [(0, 1), (1, 2), (255, 1), (256, 1), (300, 30)] {
        let (stores, size) = (crashed(known, held).await, known + held);
        let ledger = stores.open().await.unwrap();
        assert_eq!(ledger.latest().size(), size);
        assert_eq!(ledger.reader().latest().await.unwrap().size(), size);
        assert_eq!(stores.head.held(), 0);
        append(&ledger, &bodies(size..size + 1)).await;
        stores.assert_holds(&bodies(0..size + 1)).await;
    }
}

#[tokio::test]
async fn a_leaf_altered_in_the_head_is_not_brought_to_the_store() {
    let stores = crashed(3, 2).await;
    stores.head.tamper(1, "something else");
    let refused = stores.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Contradicts { size: 5 })),
        "{refused:?}"
    );
    assert_eq!(stores.reader().latest().await.unwrap().size(), 3);
}

#[tokio::test]
async fn a_leaf_altered_in_the_store_is_noticed_while_the_head_has_it() {
    let stores = crashed(3, 2).await;
    let with_all = stores.head.backup();
    drop(stores.open().await.unwrap());
    stores.ended().await;
    stores.store.tamper(4, "something else");
    let altered = Stores {
        head: Arc::new(with_all),
        ..stores
    };
    let refused = altered.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Contradicts { size: 5 })),
        "{refused:?}"
    );
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
async fn bytes_that_do_not_read_back_are_noticed_before_the_signature() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..2)).await;
    stores.head.garble_next_group();
    let refused = ledger.append(id(), "leaf 2".into()).await;
    assert!(
        matches!(refused, Err(LedgerError::Contradicts { size: 3 })),
        "{refused:?}"
    );
    assert_eq!(stores.head_size(), Some(2));
    let stopped = ledger.append(id(), "leaf 3".into()).await;
    assert!(matches!(stopped, Err(LedgerError::Stopped)));
}

#[tokio::test]
async fn a_restored_store_signs_nothing() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..3)).await;
    let backup = stores.store.backup();
    append(&ledger, &bodies(3..5)).await;
    ledger.close().await;
    let restored = stores.restored(backup);
    let refused = restored.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Behind { head: 5, store: 3 })),
        "{refused:?}"
    );
    assert_eq!(restored.head_size(), Some(5));
}

#[tokio::test]
async fn a_head_put_back_signs_nothing() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..3)).await;
    let backup = Arc::new(stores.head.backup());
    append(&ledger, &bodies(3..5)).await;
    ledger.close().await;
    let restored = Stores {
        head: backup,
        ..stores
    };
    let refused = restored.open().await.err();
    assert!(
        matches!(refused, Some(LedgerError::Contradicts { size: 5 })),
        "{refused:?}"
    );
    assert_eq!(restored.head_size(), Some(3));
}

#[tokio::test]
async fn another_log_of_the_same_size_signs_nothing() {
    let (stores, others) = (Stores::default(), Stores::default());
    append(&stores.open().await.unwrap(), &bodies(0..3)).await;
    append(&others.open().await.unwrap(), &bodies(1..4)).await;
    let mixed = Stores {
        store: others.store,
        ..stores
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
    stores.ended().await;
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
    let head = stores.head.peek().unwrap();

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
    let mut head = stores.head.peek().unwrap();
    let elsewhere = Checkpoint::new(ORIGIN, 7, super::root(&bodies(0..7))).unwrap();
    let elsewhere = elsewhere.sign(&super::log_key()).unwrap();
    (head.size, head.root) = (7, *elsewhere.root().as_bytes());
    head.note = elsewhere.note().to_string();
    stores.head.replace(Some(head.clone()));
    let stopped = ledger.append(id(), "leaf 2".into()).await;
    assert!(matches!(stopped, Err(LedgerError::Stopped)));
    assert_eq!(stores.head.peek(), Some(head));
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
    assert_eq!(stores.head_size(), None);
}
