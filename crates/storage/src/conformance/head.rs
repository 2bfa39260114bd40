//! What [`LedgerHead`] promises.

use std::sync::Arc;
use std::thread;

use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;

use super::{CALLERS, count, sample};
use crate::StorageError;
use crate::head::{Head, LedgerHead, Mark};
use crate::ledger::NewLeaf;

/// Asks every sentence of the contract.
pub fn all<S: LedgerHead + 'static>(make: impl Fn() -> Arc<S>) {
    a_new_log_has_no_head(&*make());
    the_head_is_replaced_only_where_it_stands(&*make());
    leaves_are_held_as_they_were_given(&*make());
    what_was_only_staged_is_nothing(&*make());
    a_group_that_does_not_fit_its_head_is_refused(&*make());
    what_is_settled_may_go_and_the_head_stays(&*make());
    one_of_concurrent_callers_replaces_it(&make());
}

fn leaves(count: u64) -> Vec<NewLeaf> {
    let leaf = |number| NewLeaf {
        id: LeafId::random(&SystemRng),
        body: format!("{number}: 登录 \"a\\b\"\n\0 ' é 😀"),
    };
    (0..count).map(leaf).collect()
}

fn head(size: u64) -> Head {
    Head {
        size,
        root: sample::bytes(),
        note: format!("log\n{size}\n\n— log signature\n"),
    }
}

/// Stages and advances; the head that stands then.
fn grow<S: LedgerHead>(store: &S, was: Option<&Head>, leaves: &[NewLeaf]) -> Head {
    let size = was.map_or(0, |was| was.size);
    let next = head(size + leaves.len() as u64);
    let staged = store.stage(size, leaves).unwrap();
    assert!(staged.bodies().eq(leaves.iter().map(|leaf| leaf.body.as_bytes())));
    assert_eq!((staged.follows, staged.size()), (size, next.size));
    assert!(store.advance(staged, was.map(Head::mark), &next).unwrap());
    next
}

fn held<S: LedgerHead>(store: &S) -> (Head, Vec<NewLeaf>) {
    let held = store.load().unwrap().unwrap();
    (held.head, held.leaves)
}

fn a_new_log_has_no_head<S: LedgerHead>(store: &S) {
    assert_eq!(store.load().unwrap(), None);
    store.settled(0).unwrap();
    assert_eq!(store.load().unwrap(), None);
}

fn the_head_is_replaced_only_where_it_stands<S: LedgerHead>(store: &S) {
    let first = grow(store, None, &[]);
    let second = grow(store, Some(&first), &leaves(1));
    let elsewhere = Mark {
        root: sample::bytes(),
        ..second.mark()
    };
    for was in [None, Some(first.mark()), Some(elsewhere)] {
        let staged = store.stage(1, &leaves(1)).unwrap();
        assert!(!store.advance(staged, was, &head(2)).unwrap());
    }
    assert_eq!(store.load().unwrap().unwrap().head, second);
    let third = grow(store, Some(&second), &leaves(6));
    assert_eq!(store.load().unwrap().unwrap().head, third);
}

fn leaves_are_held_as_they_were_given<S: LedgerHead>(store: &S) {
    let (all, mut head) = (leaves(1300), None);
    let mut rest = all.as_slice();
    for group in [0, 1, 1, 255, 1000, 0, 43] {
        let (now, later) = rest.split_at(group);
        head = Some(grow(store, head.as_ref(), now));
        rest = later;
        let many = all.len() - rest.len();
        assert_eq!(held(store), (head.clone().unwrap(), all[..many].to_vec()));
    }
    let large = NewLeaf {
        body: "x".repeat(65_535),
        ..leaves(1).remove(0)
    };
    let last = grow(store, head.as_ref(), &vec![large.clone(); 40]);
    let (head, leaves) = held(store);
    assert_eq!(head, last);
    assert_eq!(leaves[1300..], vec![large; 40]);
}

fn what_was_only_staged_is_nothing<S: LedgerHead>(store: &S) {
    let first = grow(store, None, &leaves(2));
    let replaced = store.stage(2, &leaves(300)).unwrap();
    let kept = leaves(1);
    let staged = store.stage(2, &kept).unwrap();
    assert!(
        !store.advance(replaced, Some(first.mark()), &head(302)).unwrap(),
        "somebody staged since"
    );
    let last = head(3);
    assert!(store.advance(staged, Some(first.mark()), &last).unwrap());
    let (head, leaves) = held(store);
    assert_eq!((head, &leaves[2..]), (last, &kept[..]));
}

fn a_group_that_does_not_fit_its_head_is_refused<S: LedgerHead>(store: &S) {
    let first = grow(store, None, &leaves(2));
    let staged = store.stage(2, &leaves(1)).unwrap();
    let refused = store.advance(staged, Some(first.mark()), &head(4));
    assert!(matches!(refused, Err(StorageError::Corrupt(_))), "{refused:?}");
    assert_eq!(store.load().unwrap().unwrap().head, first);
    let staged = store.stage(1, &leaves(1)).unwrap();
    let refused = store.advance(staged, Some(first.mark()), &head(2));
    assert!(matches!(refused, Err(StorageError::Corrupt(_))), "{refused:?}");
    assert_eq!(store.load().unwrap().unwrap().head, first);
}

fn what_is_settled_may_go_and_the_head_stays<S: LedgerHead>(store: &S) {
    let mut head = grow(store, None, &[]);
    let mut all = Vec::new();
    for round in 0..200_u64 {
        let group = leaves(20);
        head = grow(store, Some(&head), &group);
        all.extend(group);
        let settled = round * 20;
        store.settled(settled).unwrap();
        if round % 50 == 49 {
            let found = store.load().unwrap().unwrap();
            let first = usize::try_from(found.first()).unwrap();
            assert!(
                first as u64 <= settled,
                "nothing is forgotten before it is settled"
            );
            assert_eq!((&found.head, &found.leaves[..]), (&head, &all[first..]));
        }
    }
    store.settled(head.size).unwrap();
    assert_eq!(store.load().unwrap().unwrap().head, head);
    grow(store, Some(&head), &leaves(1));
}

fn one_of_concurrent_callers_replaces_it<S: LedgerHead + 'static>(store: &Arc<S>) {
    let first = grow(&**store, None, &leaves(1));
    let calls = (0..CALLERS).map(|_| {
        let (store, was) = (Arc::clone(store), first.mark());
        thread::spawn(move || {
            let staged = store.stage(1, &leaves(1)).unwrap();
            store.advance(staged, Some(was), &head(2)).unwrap()
        })
    });
    let calls: Vec<_> = calls.collect();
    let answers: Vec<bool> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    assert!(count(&answers, &true) <= 1);
    let standing = store.load().unwrap().unwrap().head;
    assert_eq!(count(&answers, &true) == 1, standing.size == 2);
}
