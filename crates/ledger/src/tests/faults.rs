//! Calls that fail, in pairs: they did nothing, and they did it all the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cyberid_domain::id::LeafId;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner, SignerError, VerifierKey};

use super::memory::Fault;
use super::{Call, Stores, append, bodies, id, log_key};
use crate::{Ledger, LedgerError};

const FAULTS: [Fault; 2] = [Fault::Lost, Fault::Stored];

/// The calls on a leaf's way, and whether whoever appends it hears of their failure.
const WAY: [(Call, bool); 4] = [
    (Call::Stage, true),
    (Call::Advance, true),
    (Call::Append, false),
    (Call::Settled, false),
];

async fn failing(stores: &Stores, ledger: &Ledger, name: &LeafId, case: &str, is_heard: bool) {
    let answer = ledger.append(name.clone(), "leaf 3".into()).await;
    if is_heard {
        assert!(
            matches!(answer, Err(LedgerError::Unknown(_))),
            "{case}: {answer:?}"
        );
    } else {
        assert_eq!(answer.unwrap(), 3, "{case}");
        // It fails once.
        while stores.faults.hits().is_empty() {
            let _ = ledger.published(3).await;
        }
    }
}

#[tokio::test]
async fn whatever_fails_asking_again_heals_it() {
    for (call, is_heard) in WAY {
        for fault in FAULTS {
            let (stores, name, case) = (Stores::default(), id(), format!("{call:?} {fault:?}"));
            let ledger = stores.open().await.unwrap();
            append(&ledger, &bodies(0..3)).await;
            stores.faults.fail(call, fault);
            failing(&stores, &ledger, &name, &case, is_heard).await;
            let place = ledger.append(name, "leaf 3".into()).await.unwrap();
            assert_eq!(place, 3, "{case}");
            append(&ledger, &bodies(4..6)).await;
            stores.assert_holds(&bodies(0..6)).await;
        }
    }
}

#[tokio::test]
async fn whatever_fails_starting_again_heals_it() {
    for (call, is_heard) in WAY {
        for fault in FAULTS {
            let (stores, name, case) = (Stores::default(), id(), format!("{call:?} {fault:?}"));
            {
                let ledger = stores.open().await.unwrap();
                append(&ledger, &bodies(0..3)).await;
                stores.faults.fail(call, fault);
                failing(&stores, &ledger, &name, &case, is_heard).await;
                ledger.close().await;
            }
            let ledger = stores.open().await.unwrap();
            assert_eq!(ledger.append(name, "leaf 3".into()).await.unwrap(), 3, "{case}");
            stores.assert_holds(&bodies(0..4)).await;
        }
    }
}

#[tokio::test]
async fn the_first_signature_heals_too() {
    for call in [Call::Size, Call::Load, Call::Stage, Call::Advance, Call::Append] {
        for fault in FAULTS {
            let stores = Stores::default();
            stores.faults.fail(call, fault);
            assert!(
                matches!(stores.open().await.err(), Some(LedgerError::Unknown(_))),
                "{call:?} {fault:?}"
            );
            append(&stores.open().await.unwrap(), &bodies(0..1)).await;
            stores.assert_holds(&bodies(0..1)).await;
        }
    }
}

#[tokio::test]
async fn while_the_head_fails_nothing_is_answered_and_nothing_is_lost() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    let name = id();
    for call in [Call::Advance, Call::Advance, Call::Load] {
        stores.faults.fail(call, Fault::Lost);
        let unknown = ledger.append(name.clone(), "leaf 0".into()).await;
        assert!(matches!(unknown, Err(LedgerError::Unknown(_))));
        assert_eq!(ledger.latest().size(), 0);
    }
    assert_eq!(ledger.append(name, "leaf 0".into()).await.unwrap(), 0);
    stores.assert_holds(&bodies(0..1)).await;
}

/// What was to be signed goes first when the head works again, so that no size is ever signed with two roots.
#[tokio::test]
async fn a_group_that_failed_goes_before_others() {
    for fault in FAULTS {
        let stores = Stores::default();
        let ledger = stores.open().await.unwrap();
        let name = id();
        stores.faults.fail(Call::Advance, fault);
        ledger.append(name.clone(), "leaf 0".into()).await.unwrap_err();
        assert_eq!(ledger.append(id(), "leaf 1".into()).await.unwrap(), 1);
        assert_eq!(ledger.append(name, "leaf 0".into()).await.unwrap(), 0);
        stores.assert_holds(&bodies(0..2)).await;
    }
}

#[tokio::test]
async fn while_the_store_fails_leaves_are_durable_and_those_who_would_read_are_told() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..1)).await;
    stores.faults.break_down(Call::Append);
    for number in 1..4 {
        let body = format!("leaf {number}");
        assert_eq!(ledger.append(id(), body).await.unwrap(), number);
        let unread = ledger.published(number).await;
        assert!(matches!(unread, Err(LedgerError::Unknown(_))), "{unread:?}");
        assert_eq!(ledger.published(0).await.unwrap().size(), 1);
    }
    assert_eq!(stores.head.held(), 3, "the head holds what the store lacks");
    drop(ledger);
    stores.ended().await;
    stores.faults.repair();
    let ledger = stores.open().await.unwrap();
    assert_eq!(ledger.published(3).await.unwrap().size(), 4);
    stores.assert_holds(&bodies(0..4)).await;
}

/// A store that has failed, or that another process left, may show what it did not keep.
#[tokio::test]
async fn the_head_forgets_nothing_before_a_store_that_failed_is_sure_of_what_it_shows() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..2)).await;
    while stores.head.held() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    stores.faults.break_down(Call::MakeSure);
    stores.faults.fail(Call::Append, Fault::Stored);
    assert_eq!(ledger.append(id(), "leaf 2".into()).await.unwrap(), 2);
    while ledger.published(2).await.is_err() {}
    append(&ledger, &bodies(3..5)).await;
    ledger.close().await;
    assert_eq!(stores.head.held(), 3);
    let ledger = stores.open().await.unwrap();
    assert_eq!(stores.head.held(), 3);
    append(&ledger, &bodies(5..6)).await;
    ledger.published(5).await.unwrap();
    assert_eq!(stores.head.held(), 4);
    stores.faults.repair();
    append(&ledger, &bodies(6..7)).await;
    ledger.close().await;
    assert_eq!(stores.head.held(), 0, "it grows for ever");
    stores.assert_holds(&bodies(0..7)).await;
}

/// Asks until there is an answer that is not an error of a store.
async fn insist<T>(mut ask: impl AsyncFnMut() -> Result<T, LedgerError>) -> T {
    for _ in 0..8 {
        match ask().await {
            Ok(answer) => return answer,
            Err(LedgerError::Unknown(_) | LedgerError::Read(crate::ReadError::Store(_))) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("nothing heals it")
}

/// Opens, appends, asks for a name again, stops, opens again and appends, while calls fail; which did.
async fn life_under(faults: &[(u64, Fault)]) -> Vec<Call> {
    let stores = Stores::default();
    let names: Vec<LeafId> = (0..6)
        .map(|number| match number {
            4 => LeafId::random(&cyberid_domain::rng::SystemRng),
            _ => id(),
        })
        .collect();
    let append = async |ledger: &Ledger, number: usize| {
        let body = format!("leaf {number}");
        let place = insist(async || ledger.append(names[number].clone(), body.clone()).await).await;
        assert_eq!(place, number as u64, "{faults:?}");
    };
    stores.faults.number(faults);
    for run in 0..2 {
        let ledger = insist(async || stores.open().await).await;
        for number in run * 3..run * 3 + 3 {
            append(&ledger, number).await;
            insist(async || ledger.published(number as u64).await).await;
        }
        append(&ledger, run * 3 + 1).await;
        ledger.close().await;
    }
    stores.faults.number(&[]);
    drop(stores.open().await.unwrap());
    stores.assert_holds(&bodies(0..6)).await;
    stores.faults.hits()
}

#[tokio::test]
async fn whichever_call_fails_no_leaf_is_lost_or_doubled() {
    let mut hit = BTreeSet::new();
    for fault in FAULTS {
        for number in 0.. {
            let hits = life_under(&[(number, fault)]).await;
            if hits.is_empty() {
                break;
            }
            hit.extend(hits);
        }
    }
    for call in [
        Call::Load,
        Call::Stage,
        Call::Advance,
        Call::Settled,
        Call::Size,
        Call::Tile,
        Call::Checkpoint,
        Call::Append,
        Call::MakeSure,
        Call::LastName,
        Call::Places,
    ] {
        assert!(hit.contains(&call), "{call:?} never failed");
    }
}

#[tokio::test]
async fn whichever_second_call_fails_while_the_first_is_healed_no_leaf_is_lost_or_doubled() {
    let mut pairs = 0;
    for first in 0.. {
        let mut hits = 0;
        for second in first + 1..first + 6 {
            for faults in [FAULTS, [Fault::Stored, Fault::Lost]] {
                hits = life_under(&[(first, faults[0]), (second, faults[1])]).await.len();
                pairs += usize::from(hits == 2);
            }
        }
        if hits == 0 {
            break;
        }
    }
    assert!(pairs > 100, "{pairs}");
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
    assert_eq!(stores.head_size(), Some(0));
    key.1.store(false, Ordering::SeqCst);
    assert_eq!(ledger.append(name, "leaf 0".into()).await.unwrap(), 0);
    stores.assert_holds(&bodies(0..1)).await;
}
