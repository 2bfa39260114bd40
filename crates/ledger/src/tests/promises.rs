//! Promised leaves find their places, whatever stops in between.

use std::sync::Mutex;

use async_trait::async_trait;
use cyberid_domain::id::LeafId;
use cyberid_storage::promise::{PromisedLeaf, Promises};
use cyberid_storage::{Result, StorageError};

use super::{Stores, bodies, id};
use crate::LedgerError;
use crate::promises::{keep, keep_one};

/// Promises in memory; `failing` of the next records fail.
#[derive(Default)]
struct Book {
    leaves: Mutex<Vec<(PromisedLeaf, Option<u64>)>>,
    failing: Mutex<usize>,
}

impl Book {
    fn promise(&self, bodies: &[String]) {
        let leaves = bodies.iter().map(|body| PromisedLeaf {
            id: id(),
            body: body.clone(),
        });
        self.leaves
            .lock()
            .unwrap()
            .extend(leaves.map(|leaf| (leaf, None)));
    }

    fn places(&self) -> Vec<Option<u64>> {
        self.leaves
            .lock()
            .unwrap()
            .iter()
            .map(|(_, place)| *place)
            .collect()
    }
}

#[async_trait]
impl Promises for Book {
    async fn outstanding(&self, limit: u32) -> Result<Vec<PromisedLeaf>> {
        let leaves = self.leaves.lock().unwrap();
        let outstanding = leaves.iter().filter(|(_, place)| place.is_none());
        Ok(outstanding
            .take(limit as usize)
            .map(|(leaf, _)| leaf.clone())
            .collect())
    }

    async fn kept(&self, id: &LeafId, index: u64) -> Result<()> {
        let mut failing = self.failing.lock().unwrap();
        if *failing > 0 {
            *failing -= 1;
            return Err(StorageError::Unknown("scripted".into()));
        }
        let mut leaves = self.leaves.lock().unwrap();
        let (_, place) = leaves.iter_mut().find(|(leaf, _)| leaf.id == *id).unwrap();
        *place = Some(index);
        Ok(())
    }

    async fn place(&self, id: &LeafId) -> Result<Option<u64>> {
        let leaves = self.leaves.lock().unwrap();
        Ok(leaves
            .iter()
            .find(|(leaf, _)| leaf.id == *id)
            .and_then(|(_, place)| *place))
    }
}

#[tokio::test]
async fn every_promise_is_kept_once_and_in_order() {
    let (stores, book) = (Stores::default(), Book::default());
    let ledger = stores.open().await.unwrap();
    book.promise(&bodies(0..520));
    assert_eq!(keep(&ledger, &book).await.unwrap(), 520);
    assert!(book.places().into_iter().eq((0..520).map(Some)));
    assert_eq!(keep(&ledger, &book).await.unwrap(), 0);
    assert_eq!(ledger.latest().root(), super::root(&bodies(0..520)));
}

#[tokio::test]
async fn a_record_that_fails_is_made_up_for() {
    let (stores, book) = (Stores::default(), Book::default());
    let ledger = stores.open().await.unwrap();
    book.promise(&bodies(0..3));
    *book.failing.lock().unwrap() = 1;
    assert!(matches!(keep(&ledger, &book).await, Err(LedgerError::Unknown(_))));
    assert_eq!(book.places(), [None, None, None]);
    assert_eq!(keep(&ledger, &book).await.unwrap(), 3);
    assert_eq!(book.places(), [Some(0), Some(1), Some(2)]);
    stores.assert_holds(&bodies(0..3)).await;
}

#[tokio::test]
async fn one_promise_is_kept_at_once_and_not_again() {
    let (stores, book) = (Stores::default(), Book::default());
    let ledger = stores.open().await.unwrap();
    book.promise(&bodies(0..2));
    let second = book.outstanding(2).await.unwrap().pop().unwrap();
    assert_eq!(keep_one(&ledger, &book, &second).await.unwrap(), 0);
    assert_eq!(keep_one(&ledger, &book, &second).await.unwrap(), 0);
    assert_eq!(keep(&ledger, &book).await.unwrap(), 1);
    assert_eq!(book.places(), [Some(1), Some(0)]);
}
