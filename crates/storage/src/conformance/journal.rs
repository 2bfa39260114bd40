//! What [`Journal`] promises, of visits that came with a direct proof.

use std::sync::Arc;

use cyberid_domain::clock::DAY;

use super::sample;
use crate::journal::{Journal, Visit};
use crate::verification::{Answered, Verifications};

/// Asks every sentence of the contract.
pub async fn all<S: Journal + Verifications>(make: impl AsyncFn() -> Arc<S>) {
    a_visit_is_found_under_its_tag_and_day_only(&make().await).await;
    only_the_days_before_are_forgotten(&make().await).await;
}

async fn keep<S: Verifications>(store: &Arc<S>, visit: &Visit) {
    let kept = store.conclude_direct(&sample::single_use(), visit).await.unwrap();
    assert_eq!(kept, Answered::Now);
}

async fn a_visit_is_found_under_its_tag_and_day_only<S: Journal + Verifications>(store: &Arc<S>) {
    let first = sample::visit();
    let mut second = sample::visit();
    second.tag = first.tag;
    keep(store, &first).await;
    keep(store, &second).await;
    keep(store, &sample::visit()).await;
    let mut found = store.visits(first.day, &first.tag).await.unwrap();
    found.sort();
    let mut expected = [first.sealed, second.sealed];
    expected.sort();
    assert_eq!(found, expected);
    assert!(
        store
            .visits(first.day.plus(DAY), &first.tag)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .visits(first.day, &sample::bytes())
            .await
            .unwrap()
            .is_empty()
    );
}

async fn only_the_days_before_are_forgotten<S: Journal + Verifications>(store: &Arc<S>) {
    let old = sample::visit();
    let mut new = sample::visit();
    new.day = old.day.plus(DAY);
    keep(store, &old).await;
    keep(store, &new).await;
    assert_eq!(store.forget_visits(old.day).await.unwrap(), 0);
    assert_eq!(store.forget_visits(new.day).await.unwrap(), 1);
    assert!(store.visits(old.day, &old.tag).await.unwrap().is_empty());
    assert_eq!(store.visits(new.day, &new.tag).await.unwrap(), [new.sealed]);
}
