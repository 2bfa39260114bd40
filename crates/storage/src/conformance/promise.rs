//! What [`Promises`] and [`Pledges`] promise, of leaves that came with an approval and of others.

use std::sync::Arc;

use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;

use super::relying_party::approved;
use super::sample;
use crate::promise::{Pledges, PromisedLeaf, Promises};
use crate::relying_party::RelyingParties;

/// Asks every sentence of the contract.
pub async fn all<S: Promises + Pledges + RelyingParties>(make: impl AsyncFn() -> Arc<S>) {
    a_leaf_of_its_own_is_promised_once(&make().await).await;
    leaves_are_outstanding_in_the_order_of_their_promise(&make().await).await;
    a_kept_promise_has_its_place_for_ever(&make().await).await;
}

async fn promise<S: RelyingParties>(store: &Arc<S>) -> PromisedLeaf {
    let application = sample::application();
    store.apply(&application).await.unwrap();
    let leaf = sample::promised_leaf();
    let replaced = store
        .replace(&application, &approved(&application), Some(&leaf))
        .await;
    assert!(replaced.unwrap());
    leaf
}

async fn leaves_are_outstanding_in_the_order_of_their_promise<S: Promises + RelyingParties>(store: &Arc<S>) {
    assert_eq!(store.outstanding(10).await.unwrap(), []);
    let mut promised = Vec::new();
    for _ in 0..5 {
        promised.push(promise(store).await);
    }
    assert_eq!(store.outstanding(10).await.unwrap(), promised);
    assert_eq!(store.outstanding(2).await.unwrap(), promised[..2]);
    store.kept(&promised[1].id, 7).await.unwrap();
    promised.remove(1);
    assert_eq!(store.outstanding(10).await.unwrap(), promised);
}

async fn a_kept_promise_has_its_place_for_ever<S: Promises + RelyingParties>(store: &Arc<S>) {
    let leaf = promise(store).await;
    assert_eq!(store.place(&leaf.id).await.unwrap(), None);
    store.kept(&leaf.id, 0).await.unwrap();
    store.kept(&leaf.id, 0).await.unwrap();
    assert_eq!(store.place(&leaf.id).await.unwrap(), Some(0));
    assert_eq!(store.place(&LeafId::random(&SystemRng)).await.unwrap(), None);
}

async fn a_leaf_of_its_own_is_promised_once<S: Promises + Pledges>(store: &Arc<S>) {
    let (first, second) = (sample::promised_leaf(), sample::promised_leaf());
    let reworded = PromisedLeaf {
        body: second.body.clone(),
        ..first.clone()
    };
    assert_eq!(store.pledge(std::slice::from_ref(&first)).await.unwrap(), 1);
    assert_eq!(store.pledge(&[reworded, second.clone()]).await.unwrap(), 1);
    assert_eq!(
        store.outstanding(10).await.unwrap(),
        [first.clone(), second.clone()]
    );
    store.kept(&first.id, 0).await.unwrap();
    assert_eq!(store.pledge(&[first, second.clone()]).await.unwrap(), 0);
    assert_eq!(store.outstanding(10).await.unwrap(), [second]);
}
