//! What [`SingleUses`] promises.

use std::sync::Arc;

use super::{count, sample, together};
use crate::single_use::SingleUses;

/// Asks every sentence of the contract.
pub async fn all<S: SingleUses + 'static>(make: impl AsyncFn() -> Arc<S>) {
    a_thing_is_used_once(&make().await).await;
    a_thing_is_used_once_among_concurrent_callers(&make().await).await;
    only_what_can_be_forgotten_is_forgotten(&make().await).await;
}

async fn a_thing_is_used_once<S: SingleUses>(store: &Arc<S>) {
    let thing = sample::single_use();
    assert!(store.use_once(&thing).await.unwrap());
    assert!(!store.use_once(&thing).await.unwrap());
    let mut later = thing.clone();
    later.forget_at = later.forget_at.plus(1);
    assert!(!store.use_once(&later).await.unwrap());
    assert!(store.use_once(&sample::single_use()).await.unwrap());
}

async fn a_thing_is_used_once_among_concurrent_callers<S: SingleUses + 'static>(store: &Arc<S>) {
    let thing = sample::single_use();
    let answers = together(|_| {
        let (store, thing) = (Arc::clone(store), thing.clone());
        async move { store.use_once(&thing).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
}

async fn only_what_can_be_forgotten_is_forgotten<S: SingleUses>(store: &Arc<S>) {
    let (over, not_yet) = (sample::single_use(), sample::single_use());
    let mut not_yet = not_yet;
    not_yet.forget_at = over.forget_at.plus(1);
    assert!(store.use_once(&over).await.unwrap());
    assert!(store.use_once(&not_yet).await.unwrap());
    assert_eq!(store.forget_single_uses(over.forget_at).await.unwrap(), 0);
    assert_eq!(store.forget_single_uses(not_yet.forget_at).await.unwrap(), 1);
    assert!(!store.use_once(&not_yet).await.unwrap());
    assert!(store.use_once(&over).await.unwrap());
}
