//! What [`LedgerHead`] promises.

use std::sync::Arc;

use super::{count, sample, together};
use crate::ledger::{Head, LedgerHead};

/// Asks every sentence of the contract.
pub async fn all<S: LedgerHead + 'static>(make: impl AsyncFn() -> Arc<S>) {
    the_head_is_replaced_only_where_it_stands(&make().await).await;
    one_of_concurrent_callers_replaces_it(&make().await).await;
}

fn head(size: u64) -> Head {
    Head {
        size,
        root: sample::bytes(),
        note: format!("log\n{size}\n\n— log signature\n"),
    }
}

fn place(head: &Head) -> (u64, [u8; 32]) {
    (head.size, head.root)
}

async fn the_head_is_replaced_only_where_it_stands<S: LedgerHead>(store: &Arc<S>) {
    let (first, second, third) = (head(0), head(1), head(7));
    assert_eq!(store.head().await.unwrap(), None);
    assert!(!store.swap(Some(place(&first)), &second).await.unwrap());
    assert_eq!(store.head().await.unwrap(), None);
    assert!(store.swap(None, &first).await.unwrap());
    assert!(!store.swap(None, &second).await.unwrap());
    assert!(store.swap(Some(place(&first)), &second).await.unwrap());
    assert!(!store.swap(Some(place(&first)), &third).await.unwrap());
    let other_root = Some((second.size, sample::bytes()));
    assert!(!store.swap(other_root, &third).await.unwrap());
    assert_eq!(store.head().await.unwrap(), Some(second.clone()));
    assert!(store.swap(Some(place(&second)), &third).await.unwrap());
    assert_eq!(store.head().await.unwrap(), Some(third));
}

async fn one_of_concurrent_callers_replaces_it<S: LedgerHead + 'static>(store: &Arc<S>) {
    let first = head(1);
    assert!(store.swap(None, &first).await.unwrap());
    let answers = together(|_| {
        let (store, was) = (Arc::clone(store), place(&first));
        async move { store.swap(Some(was), &head(2)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
}
