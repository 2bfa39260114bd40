//! Places, groups and names.

use std::collections::BTreeSet;
use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;
use cyberid_storage::ledger::NewLeaf;
use cyberid_tlog::tile::MAX_ENTRY_LEN;

use super::{Stores, append, bodies, id};
use crate::LedgerError;

#[tokio::test]
async fn every_size_is_that_of_the_plain_list() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    stores.assert_holds(&[]).await;
    for number in 0..20 {
        append(&ledger, &bodies(number..number + 1)).await;
        stores.assert_holds(&bodies(0..number + 1)).await;
    }
}

#[tokio::test]
async fn groups_of_any_size_make_the_same_log_across_tiles_and_restarts() {
    let stores = Stores::default();
    let all = bodies(0..1300);
    let mut rest = all.as_slice();
    for group in [1, 254, 1, 1, 255, 257, 3, 512, 16].into_iter().cycle() {
        let ledger = stores.open().await.unwrap();
        let (now, later) = rest.split_at(group.min(rest.len()));
        let start = (all.len() - rest.len()) as u64;
        let leaves = now.iter().map(|body| NewLeaf {
            id: id(),
            body: body.clone(),
        });
        let places = ledger.append_all(leaves.collect()).await.unwrap();
        assert!(places.into_iter().eq(start..start + now.len() as u64));
        ledger.close().await;
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stores.assert_holds(&all).await;
}

#[test]
fn a_lone_leaf_waits_for_no_timer() {
    // This runtime has no timers: whoever starts one panics.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let stores = Stores::default();
        let ledger = stores.open().await.unwrap();
        assert_eq!(ledger.append(id(), "alone".into()).await.unwrap(), 0);
    });
}

#[tokio::test]
async fn many_at_once_get_a_place_each_and_share_signatures() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    let before = stores.head.moves();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.append(id(), format!("leaf {number}")).await })
        })
        .collect();
    let mut places = BTreeSet::new();
    for task in tasks {
        places.insert(task.await.unwrap().unwrap());
    }
    assert!(places.into_iter().eq(0..64));
    assert!(stores.head.moves() - before <= 4, "{}", stores.head.moves());
    assert_eq!(ledger.latest().size(), 64);
}

#[tokio::test]
async fn a_name_has_one_place() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    append(&ledger, &bodies(0..3)).await;
    let name = id();
    let leaf = NewLeaf {
        id: name.clone(),
        body: "leaf 3".into(),
    };
    let places = ledger.append_all(vec![leaf.clone(), leaf]).await.unwrap();
    assert_eq!(places, [3, 3]);
    let again = ledger.append(name.clone(), "leaf 3".into()).await.unwrap();
    let reopened = stores.open().await.unwrap();
    let after_restart = reopened.append(name, "leaf 3".into()).await.unwrap();
    assert_eq!((again, after_restart), (3, 3));
    stores.assert_holds(&bodies(0..4)).await;
}

#[tokio::test]
async fn a_leaf_that_no_bundle_can_hold_is_refused() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    let refused = ledger.append(id(), "x".repeat(MAX_ENTRY_LEN + 1)).await;
    assert!(matches!(refused, Err(LedgerError::TooLong { len: 65_536 })));
    assert_eq!(ledger.append(id(), "x".repeat(MAX_ENTRY_LEN)).await.unwrap(), 0);
}

#[tokio::test]
async fn of_two_sequencers_one_stops_for_good() {
    let stores = Stores::default();
    let (first, second) = (stores.open().await.unwrap(), stores.open().await.unwrap());
    append(&first, &bodies(0..1)).await;
    for _ in 0..2 {
        let stopped = second.append(id(), "other".into()).await;
        assert!(matches!(stopped, Err(LedgerError::Stopped)));
    }
    assert!(!second.is_running());
    let stopped = second.witnessed(0, std::time::Duration::from_secs(1)).await;
    assert!(matches!(stopped, Err(LedgerError::Stopped)));
    append(&first, &bodies(1..3)).await;
    stores.assert_holds(&bodies(0..3)).await;
}

#[tokio::test]
async fn a_ledger_that_is_closed_has_brought_everything_to_the_store() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    for body in bodies(0..40) {
        ledger.append(id(), body).await.unwrap();
    }
    ledger.close().await;
    assert_eq!(stores.reader().latest().await.unwrap().size(), 40);
    let refused = ledger.append(id(), "leaf 40".into()).await;
    assert!(matches!(refused, Err(LedgerError::Stopped)));
}

#[tokio::test]
async fn what_nobody_waits_for_is_published_too() {
    let stores = Stores::default();
    let ledger = stores.open().await.unwrap();
    ledger.append(id(), "leaf 0".into()).await.unwrap();
    stores.assert_holds(&bodies(0..1)).await;
    assert!(matches!(
        ledger.published(1).await,
        Err(LedgerError::Read(crate::ReadError::NotThere))
    ));
}

/// Names that do not begin with their time, and names that are not in memory any more, are asked of the store.
#[tokio::test]
async fn names_of_every_kind_have_one_place_across_restarts() {
    let stores = Stores::default();
    let names: Vec<LeafId> = (0..12)
        .map(|number| match number % 3 {
            0 => LeafId::random(&SystemRng),
            second => LeafId::new(UnixTime(1_795_000_000 - second), &SystemRng),
        })
        .collect();
    for _ in 0..3 {
        let ledger = stores.open().await.unwrap();
        for (name, body) in names
            .iter()
            .zip(bodies(0..12))
            .rev()
            .chain(names.iter().zip(bodies(0..12)))
        {
            let place = ledger.append(name.clone(), body).await.unwrap();
            assert_eq!(
                place,
                names.len() as u64 - 1 - names.iter().position(|held| held == name).unwrap() as u64
            );
        }
        ledger.close().await;
    }
    let all: Vec<String> = bodies(0..12).into_iter().rev().collect();
    stores.assert_holds(&all).await;
}

#[tokio::test]
async fn a_name_that_another_sequencer_has_placed_is_not_answered() {
    let stores = Stores::default();
    let (first, second) = (stores.open().await.unwrap(), stores.open().await.unwrap());
    let name = id();
    first.append(name.clone(), "leaf 0".into()).await.unwrap();
    let stopped = second.append(name, "leaf 0".into()).await;
    assert!(matches!(stopped, Err(LedgerError::Stopped)));
}
