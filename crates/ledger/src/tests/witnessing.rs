//! Cosignatures: a quorum or nothing, and nothing lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_tlog::note::{NoteSigner, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::witness::Latest;

use super::memory::{Call, Fault};
use super::stub_witness::{Mood, StubWitness};
use super::{Stores, append, bodies, root, vkey};
use crate::{Ledger, LedgerError, ReadError, Under};

pub(super) const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

pub(super) struct Setting {
    pub(super) stores: Stores,
    pub(super) witnesses: Vec<Arc<StubWitness>>,
    pub(super) policy: Policy,
}

impl Setting {
    pub(super) async fn new(witnesses: u8, threshold: usize) -> Self {
        let mut stubs = Vec::new();
        for seed in 0..witnesses {
            stubs.push(StubWitness::start(seed + 10).await);
        }
        let keys: Vec<VerifierKey> = stubs.iter().map(|stub| stub.key.verifier_key().clone()).collect();
        Self {
            stores: Stores::default(),
            witnesses: stubs,
            policy: Policy::k_of_n(Some(vkey()), &keys, threshold).unwrap(),
        }
    }

    pub(super) async fn open(&self) -> Arc<Ledger> {
        let mut parts = self.stores.parts();
        parts.witnesses = self.witnesses.iter().map(|stub| stub.witness()).collect();
        parts.policy = self.policy.clone();
        parts.allow_unwitnessed = false;
        Ledger::open(parts).await.unwrap()
    }

    pub(super) fn feel(&self, mood: Mood) {
        self.witnesses.iter().for_each(|stub| stub.feel(mood));
    }
}

pub(super) fn is_no_quorum<T>(result: &Result<T, LedgerError>, leaf: u64) -> bool {
    matches!(result, Err(LedgerError::NoQuorum { index }) if *index == leaf)
}

#[tokio::test]
async fn a_leaf_is_proved_under_the_quorum() {
    let setting = Setting::new(3, 2).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..5)).await;
    let under_quorum = ledger.reader().receipt(3, Under::Quorum).await;
    assert!(matches!(under_quorum, Err(ReadError::NotThere)));

    let cosigned = ledger.witnessed(3, LONG).await.unwrap();
    assert_eq!((cosigned.size(), cosigned.cosignatures().len()), (5, 2));
    let receipt = ledger.reader().receipt(3, Under::Quorum).await.unwrap();
    let receipt = TlogProof::parse(receipt.as_bytes()).unwrap();
    receipt.verify(b"leaf 3", &vkey(), &setting.policy).unwrap();
    assert_eq!(ledger.reader().checkpoint().await.unwrap(), cosigned.note());

    append(&ledger, &bodies(5..6)).await;
    let published = ledger.reader().checkpoint().await.unwrap();
    assert_eq!(
        published,
        cosigned.note(),
        "nobody is shown what no witness has seen"
    );
    let cosigned = ledger.witnessed(5, LONG).await.unwrap();
    assert_eq!(cosigned.size(), 6);
    assert_eq!(ledger.reader().checkpoint().await.unwrap(), cosigned.note());
}

#[tokio::test]
async fn what_nobody_asked_for_is_witnessed_too() {
    let setting = Setting::new(1, 1).await;
    let ledger = setting.open().await;
    tokio::spawn(std::sync::Arc::clone(&ledger).keep_witnessed());
    append(&ledger, &bodies(0..2)).await;
    while ledger.reader().cosigned(2).await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn while_nothing_happens_what_is_published_is_cosigned_anew() {
    let setting = Setting::new(1, 1).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..2)).await;
    let before = ledger.witnessed(1, LONG).await.unwrap();
    let asked = setting.witnesses[0].requests();
    let fresh = Duration::from_millis(20);
    let keeping = tokio::spawn(Arc::clone(&ledger).keep_witnessed_within(fresh));
    while setting.witnesses[0].requests() < asked + 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What a witness that is down leaves is what was there.
    setting.feel(Mood::Down);
    let asked = setting.witnesses[0].requests();
    while setting.witnesses[0].requests() < asked + 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    keeping.abort();
    let after = ledger.witnessed(1, LONG).await.unwrap();
    assert_eq!((after.size(), before.size()), (2, 2));
    assert_eq!(ledger.reader().checkpoint().await.unwrap(), after.note());
}

#[tokio::test]
async fn without_a_quorum_nothing_is_lost_and_the_same_call_succeeds_later() {
    let setting = Setting::new(2, 2).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..3)).await;
    for mood in [Mood::Down, Mood::Silent, Mood::Garbled] {
        setting.witnesses[1].feel(mood);
        assert!(is_no_quorum(&ledger.witnessed(2, LONG).await, 2), "{mood:?}");
        assert!(ledger.reader().cosigned(1).await.unwrap().is_none(), "{mood:?}");
    }
    append(&ledger, &bodies(3..4)).await;
    setting.feel(Mood::Honest);
    let cosigned = ledger.witnessed(2, LONG).await.unwrap();
    assert_eq!((cosigned.size(), cosigned.cosignatures().len()), (4, 2));
    setting.stores.assert_holds(&bodies(0..4)).await;
}

#[tokio::test]
async fn a_witness_that_hangs_costs_the_deadline_or_nothing() {
    let setting = Setting::new(3, 2).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..1)).await;
    setting.witnesses[0].feel(Mood::Hanging);
    let start = Instant::now();
    assert_eq!(ledger.witnessed(0, LONG).await.unwrap().size(), 1);
    assert!(start.elapsed() < Duration::from_secs(5));

    append(&ledger, &bodies(1..2)).await;
    setting.feel(Mood::Hanging);
    let start = Instant::now();
    assert!(is_no_quorum(&ledger.witnessed(1, SHORT).await, 1));
    assert!(start.elapsed() < Duration::from_secs(5));
    // What was cosigned before is still there.
    assert_eq!(ledger.witnessed(0, SHORT).await.unwrap().size(), 1);
    setting.feel(Mood::Honest);
    assert_eq!(ledger.witnessed(1, LONG).await.unwrap().size(), 2);
}

#[tokio::test]
async fn a_witness_that_knows_more_than_is_remembered_here_is_believed() {
    let setting = Setting::new(1, 1).await;
    {
        let ledger = setting.open().await;
        append(&ledger, &bodies(0..3)).await;
        ledger.witnessed(2, LONG).await.unwrap();
    }
    let ledger = setting.open().await;
    append(&ledger, &bodies(3..7)).await;
    let before = setting.witnesses[0].requests();
    assert_eq!(ledger.witnessed(6, LONG).await.unwrap().size(), 7);
    assert_eq!(setting.witnesses[0].requests() - before, 2);
    append(&ledger, &bodies(7..8)).await;
    ledger.witnessed(7, LONG).await.unwrap();
    assert_eq!(setting.witnesses[0].requests() - before, 3);
}

#[tokio::test]
async fn what_was_cosigned_before_a_restart_needs_no_witness() {
    let setting = Setting::new(1, 1).await;
    let first = {
        let ledger = setting.open().await;
        append(&ledger, &bodies(0..3)).await;
        ledger.witnessed(0, LONG).await.unwrap()
    };
    setting.feel(Mood::Down);
    let ledger = setting.open().await;
    assert_eq!(ledger.witnessed(2, LONG).await.unwrap(), first);
}

#[tokio::test]
async fn a_witness_of_another_history_cosigns_nothing() {
    for (size, other) in [(3, bodies(9..12)), (2, bodies(9..11)), (8, bodies(0..8))] {
        let setting = Setting::new(1, 1).await;
        let ledger = setting.open().await;
        append(&ledger, &bodies(0..3)).await;
        let held = Latest {
            size,
            root: root(&other),
        };
        setting.witnesses[0].remember(held);
        assert!(is_no_quorum(&ledger.witnessed(2, LONG).await, 2), "{size}");
        assert_eq!(setting.witnesses[0].latest(), held);
    }
}

#[tokio::test]
async fn those_who_wait_share_one_submission() {
    let setting = Setting::new(1, 1).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..32)).await;
    let tasks: Vec<_> = (0..32)
        .map(|index| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.witnessed(index, LONG).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().size(), 32);
    }
    assert_eq!(setting.witnesses[0].requests(), 1);
}

#[tokio::test]
async fn a_leaf_that_is_not_there_is_not_waited_for() {
    let setting = Setting::new(1, 1).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..1)).await;
    for index in [1, u64::MAX] {
        let missing = ledger.witnessed(index, LONG).await;
        assert!(matches!(missing, Err(LedgerError::Read(ReadError::NotThere))));
    }
}

#[tokio::test]
async fn a_cosigned_checkpoint_is_kept_before_it_is_given() {
    for fault in [Fault::Lost, Fault::Stored] {
        let setting = Setting::new(1, 1).await;
        let ledger = setting.open().await;
        append(&ledger, &bodies(0..2)).await;
        setting.stores.faults.fail(Call::Cosigned, fault);
        assert!(matches!(
            ledger.witnessed(1, LONG).await,
            Err(LedgerError::Unknown(_))
        ));
        assert_eq!(ledger.witnessed(1, LONG).await.unwrap().size(), 2);
        assert!(ledger.reader().cosigned(2).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_log_without_witnesses_says_so_by_its_policy() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..2)).await;
    let cosigned = ledger.witnessed(1, LONG).await.unwrap();
    assert_eq!((cosigned.size(), cosigned.cosignatures().len()), (2, 0));
    let receipt = ledger.reader().receipt(1, Under::Quorum).await.unwrap();
    let receipt = TlogProof::parse(receipt.as_bytes()).unwrap();
    let policy = Policy::without_witnesses(vkey()).unwrap();
    assert_eq!(receipt.verify(b"leaf 1", &vkey(), &policy).unwrap().index(), 1);
}
