//! What [`LedgerRead`](crate::ledger::LedgerRead) and [`LedgerWrite`] promise.

use std::sync::Arc;

use cyberid_domain::id::{ClientId, LeafId};
use cyberid_domain::rng::SystemRng;

use super::sample::{self, NOW};
use super::{count, together};
use crate::ledger::{Batch, LeafFilter, LedgerWrite, NewLeaf, StoredLeaf, StoredTile};

/// Asks every sentence of the contract.
pub async fn all<S: LedgerWrite + 'static>(make: impl AsyncFn() -> Arc<S>) {
    an_empty_log_has_nothing(&make().await).await;
    leaves_keep_their_bytes_and_their_place(&make().await).await;
    a_large_batch_is_appended_whole(&make().await).await;
    an_append_at_another_size_writes_nothing(&make().await).await;
    one_of_concurrent_appends_wins(&make().await).await;
    a_tile_grows(&make().await).await;
    leaves_are_found_by_each_filter(&make().await).await;
    leaves_are_counted_by_kind_and_relying_party(&make().await).await;
    the_last_checkpoint_is_given(&make().await).await;
    names_are_found_together_and_in_their_order(&make().await).await;
    a_thousand_names_are_asked_for(&make().await).await;
    a_leaf_that_is_none_of_ours_is_found_by_its_place(&make().await).await;
    the_smallest_sufficient_and_the_newest_cosigned_checkpoint_are_given(&make().await).await;
}

fn leaf(body: String) -> NewLeaf {
    NewLeaf {
        id: LeafId::random(&SystemRng),
        body,
    }
}

fn halted() -> NewLeaf {
    leaf(sample::leaf_body("service.halted", None, NOW))
}

fn stored(leaves: &[NewLeaf]) -> Vec<StoredLeaf> {
    let stored = leaves.iter().zip(0..).map(|(leaf, index)| StoredLeaf {
        index,
        body: leaf.body.clone(),
    });
    stored.collect()
}

fn batch(leaves: &[NewLeaf], tiles: &[StoredTile]) -> Batch {
    Batch {
        leaves: leaves.to_vec(),
        tiles: tiles.to_vec(),
        checkpoint: "a note".into(),
    }
}

async fn append<S: LedgerWrite>(store: &Arc<S>, size: u64, leaves: &[NewLeaf], tiles: &[StoredTile]) {
    assert!(store.append(size, &batch(leaves, tiles)).await.unwrap());
}

async fn place<S: LedgerWrite>(store: &Arc<S>, leaf: &NewLeaf) -> Option<u64> {
    let places = store.places(std::slice::from_ref(&leaf.id)).await.unwrap();
    places.first().map(|(_, place)| *place)
}

async fn an_empty_log_has_nothing<S: LedgerWrite>(store: &Arc<S>) {
    assert_eq!(store.size().await.unwrap(), 0);
    assert_eq!(store.leaves(0, 10).await.unwrap(), []);
    assert_eq!(store.tile(0, 0).await.unwrap(), None);
    assert_eq!(store.checkpoint().await.unwrap(), None);
    assert_eq!(store.cosigned(0).await.unwrap(), None);
    assert_eq!(store.newest_cosigned().await.unwrap(), None);
    assert_eq!(store.counts(10).await.unwrap(), []);
    assert_eq!(place(store, &halted()).await, None);
}

async fn leaves_keep_their_bytes_and_their_place<S: LedgerWrite>(store: &Arc<S>) {
    let odd = r#"{"kind":"rp.registered","purpose":"登录 \"a\\b\"\n\u0000 ' é 😀","time":5,"v":1}"#;
    let leaves = [halted(), leaf(odd.into()), halted()];
    append(store, 0, &leaves[..1], &[]).await;
    append(store, 1, &leaves[1..], &[]).await;
    let stored = stored(&leaves);
    assert_eq!(store.size().await.unwrap(), 3);
    assert_eq!(store.leaves(0, 10).await.unwrap(), stored);
    assert_eq!(store.leaves(1, 1).await.unwrap(), stored[1..2]);
    assert_eq!(store.leaves(3, 10).await.unwrap(), []);
    assert_eq!(store.leaves(0, 0).await.unwrap(), []);
    assert_eq!(place(store, &leaves[2]).await, Some(2));
    assert_eq!(place(store, &halted()).await, None);
}

async fn a_large_batch_is_appended_whole<S: LedgerWrite>(store: &Arc<S>) {
    let leaves: Vec<NewLeaf> = (0..1000)
        .map(|second| leaf(sample::leaf_body("key.rotated", None, NOW.plus(second))))
        .collect();
    append(store, 0, &leaves, &[]).await;
    assert_eq!(store.leaves(0, 2000).await.unwrap(), stored(&leaves));
    assert_eq!(place(store, &leaves[999]).await, Some(999));
}

async fn an_append_at_another_size_writes_nothing<S: LedgerWrite>(store: &Arc<S>) {
    append(store, 0, &[halted(), halted()], &[tile(2)]).await;
    for size in [0, 1, 3] {
        let late = halted();
        let mut refused = batch(std::slice::from_ref(&late), &[tile(3)]);
        refused.checkpoint = "another note".into();
        assert!(!store.append(size, &refused).await.unwrap());
        assert_eq!(place(store, &late).await, None);
    }
    assert_eq!(store.size().await.unwrap(), 2);
    assert_eq!(store.tile(0, 0).await.unwrap(), Some(tile(2)));
    assert_eq!(store.checkpoint().await.unwrap().as_deref(), Some("a note"));
}

async fn one_of_concurrent_appends_wins<S: LedgerWrite + 'static>(store: &Arc<S>) {
    let answers = together(|_| {
        let store = Arc::clone(store);
        async move {
            let leaves = batch(&[halted(), halted()], &[]);
            store.append(0, &leaves).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
    assert_eq!(store.size().await.unwrap(), 2);
}

/// A tile whose `n`-th hash is `n` in every byte.
fn tile(width: u8) -> StoredTile {
    StoredTile {
        level: 0,
        index: 0,
        hashes: (0..width).flat_map(|n| [n; 32]).collect(),
    }
}

async fn a_tile_grows<S: LedgerWrite>(store: &Arc<S>) {
    let above = StoredTile { level: 1, ..tile(1) };
    append(store, 0, &[halted()], &[tile(1)]).await;
    append(store, 1, &[halted(), halted()], &[tile(3), above.clone()]).await;
    assert_eq!(store.tile(0, 0).await.unwrap(), Some(tile(3)));
    assert_eq!(store.tile(1, 0).await.unwrap(), Some(above));
    assert_eq!(store.tile(0, 1).await.unwrap(), None);
    assert_eq!(store.tile(2, 0).await.unwrap(), None);
}

/// Leaves of two relying parties and of none, a second apart.
async fn some_leaves<S: LedgerWrite>(store: &Arc<S>) -> ([ClientId; 2], Vec<StoredLeaf>) {
    let (a, b) = (sample::client(), sample::client());
    let kinds = [
        ("consent.granted", Some(&a)),
        ("consent.granted", Some(&b)),
        ("release.intended", Some(&a)),
        ("service.halted", None),
        ("consent.granted", Some(&a)),
    ];
    let leaves: Vec<NewLeaf> = kinds
        .iter()
        .zip(0..)
        .map(|((kind, rp), second)| leaf(sample::leaf_body(kind, *rp, NOW.plus(second))))
        .collect();
    append(store, 0, &leaves, &[]).await;
    ([a, b], stored(&leaves))
}

async fn leaves_are_found_by_each_filter<S: LedgerWrite>(store: &Arc<S>) {
    let ([a, b], leaves) = some_leaves(store).await;
    let of =
        |indices: &[usize]| -> Vec<StoredLeaf> { indices.iter().map(|at| leaves[*at].clone()).collect() };
    let any = LeafFilter::default();
    let granted = LeafFilter {
        kind: Some("consent.granted".into()),
        ..any.clone()
    };
    let granted_to_a = LeafFilter {
        rp: Some(a.clone()),
        ..granted.clone()
    };
    let to_b = LeafFilter {
        rp: Some(b),
        ..any.clone()
    };
    let in_the_middle = LeafFilter {
        from: Some(NOW.plus(1)),
        to: Some(NOW.plus(3)),
        ..any.clone()
    };
    let to_nobody = LeafFilter {
        rp: Some(sample::client()),
        ..any.clone()
    };
    for (filter, start, end, limit, expected) in [
        (&any, 0, 100, 100, &[0, 1, 2, 3, 4][..]),
        (&any, 1, 4, 100, &[1, 2, 3]),
        (&any, 1, 4, 2, &[1, 2]),
        (&any, 5, u64::MAX, 100, &[]),
        (&granted, 0, 100, 100, &[0, 1, 4]),
        (&granted, 1, 100, 1, &[1]),
        (&granted_to_a, 0, 100, 100, &[0, 4]),
        (&granted_to_a, 0, 4, 100, &[0]),
        (&to_b, 0, 100, 100, &[1]),
        (&in_the_middle, 0, 100, 100, &[1, 2]),
        (&to_nobody, 0, 100, 100, &[]),
    ] {
        let found = store.matching(filter, start, end, limit).await.unwrap();
        assert_eq!(found, of(expected), "{filter:?} {start}..{end}, {limit}");
    }
}

async fn leaves_are_counted_by_kind_and_relying_party<S: LedgerWrite>(store: &Arc<S>) {
    let ([a, b], _) = some_leaves(store).await;
    let mut counts = store.counts(4).await.unwrap();
    counts.sort();
    let mut expected = vec![
        ("consent.granted".into(), Some(a.clone()), 1),
        ("consent.granted".into(), Some(b), 1),
        ("release.intended".into(), Some(a.clone()), 1),
        ("service.halted".into(), None, 1),
    ];
    expected.sort();
    assert_eq!(counts, expected);
    let all = store.counts(u64::MAX).await.unwrap();
    assert!(all.contains(&("consent.granted".into(), Some(a), 2)));
    assert_eq!(store.counts(0).await.unwrap(), []);
}

async fn the_last_checkpoint_is_given<S: LedgerWrite>(store: &Arc<S>) {
    for (size, leaves, note) in [(0, 0, "zero"), (0, 3, "three"), (3, 7, "ten"), (10, 0, "ten")] {
        let leaves: Vec<NewLeaf> = (0..leaves).map(|_| halted()).collect();
        let batch = Batch {
            checkpoint: note.into(),
            ..batch(&leaves, &[])
        };
        assert!(store.append(size, &batch).await.unwrap());
        assert_eq!(store.checkpoint().await.unwrap().as_deref(), Some(note));
    }
    assert_eq!(store.cosigned(0).await.unwrap(), None);
}

async fn names_are_found_together_and_in_their_order<S: LedgerWrite>(store: &Arc<S>) {
    let mut names = [5, 3, 3, 9].map(|second| LeafId::new(NOW.plus(second), &SystemRng));
    let leaves = names.clone().map(|id| NewLeaf { id, ..halted() });
    append(store, 0, &leaves, &[]).await;
    let places = names.iter().cloned().zip(0..).collect::<Vec<_>>();
    let asked = [names[2].clone(), halted().id, names[0].clone()];
    let mut found = store.places(&asked).await.unwrap();
    found.sort_by_key(|(_, place)| *place);
    assert_eq!(found, [places[0].clone(), places[2].clone()]);
    assert_eq!(store.places(&[]).await.unwrap(), []);
    names.sort();
    let last = |before: String| async move { store.last_name(&before).await.unwrap() };
    assert_eq!(last(LeafId::TIMELY_END.into()).await.as_ref(), Some(&names[3]));
    assert_eq!(last(names[3].to_string()).await.as_ref(), Some(&names[2]));
    assert_eq!(last(names[0].to_string()).await, None);
}

/// A log may hold leaves of a later version of this program.
async fn a_leaf_that_is_none_of_ours_is_found_by_its_place<S: LedgerWrite>(store: &Arc<S>) {
    let leaves = ["", "text", "[1]", r#"{"kind":7}"#, r#"{"time":5}"#].map(|body| leaf(body.into()));
    append(store, 0, &leaves, &[]).await;
    assert_eq!(store.leaves(0, 10).await.unwrap(), stored(&leaves));
}

async fn a_thousand_names_are_asked_for<S: LedgerWrite>(store: &Arc<S>) {
    let leaves: Vec<NewLeaf> = (0..1000).map(|_| halted()).collect();
    append(store, 0, &leaves, &[]).await;
    let names: Vec<LeafId> = leaves.into_iter().map(|leaf| leaf.id).collect();
    let mut found = store.places(&names).await.unwrap();
    found.sort_by_key(|(_, place)| *place);
    assert!(found.into_iter().eq(names.into_iter().zip(0..)));
}

async fn the_smallest_sufficient_and_the_newest_cosigned_checkpoint_are_given<S: LedgerWrite>(
    store: &Arc<S>,
) {
    for (size, note) in [
        (3, "three"),
        (10, "ten"),
        (10, "ten"),
        (10, "ten, cosigned by more"),
    ] {
        store.keep_cosigned(size, note).await.unwrap();
    }
    let newest = store.newest_cosigned().await.unwrap();
    assert_eq!(newest.as_deref(), Some("ten, cosigned by more"));
    for (at_least, expected) in [
        (0, Some("three")),
        (3, Some("three")),
        (4, Some("ten, cosigned by more")),
        (10, Some("ten, cosigned by more")),
        (11, None),
        (u64::MAX, None),
    ] {
        assert_eq!(store.cosigned(at_least).await.unwrap().as_deref(), expected);
    }
}
