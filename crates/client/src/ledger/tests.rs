use std::sync::Arc;

use super::*;
use crate::Platform;
use crate::testing::PlatformDouble;

async fn reader(double: &PlatformDouble, seen: Tree) -> LedgerReader {
    let client = Client::new(&double.issuer).unwrap();
    let platform = Platform::contact(client, double.clock.clone()).await.unwrap();
    LedgerReader::new(platform.ledger_client().unwrap(), platform.anchors(), seen)
}

async fn with_leaves(count: usize) -> Arc<PlatformDouble> {
    let double = PlatformDouble::start().await;
    grow(&double, count);
    double
}

fn grow(double: &PlatformDouble, count: usize) {
    let mut log = double.log.lock().unwrap();
    let size = log.leaves.len();
    log.leaves
        .extend((size..size + count).map(|leaf| leaf.to_string().into_bytes()));
}

#[tokio::test]
async fn a_log_that_grows_is_followed_across_tiles() {
    let double = with_leaves(3).await;
    let reader = reader(&double, Tree::default()).await;
    for growth in [0, 4, 250, 300] {
        grow(&double, growth);
        reader.advance().await.unwrap();
    }
    assert_eq!(reader.last().await.size, 557);
}

#[tokio::test]
async fn a_partial_tile_that_has_gone_is_read_from_the_full_one() {
    let double = with_leaves(100).await;
    let reader = reader(&double, Tree::default()).await;
    reader.advance().await.unwrap();
    let received = {
        grow(&double, 50);
        let mut log = double.log.lock().unwrap();
        let checkpoint = log.checkpoint(150);
        log.leaves
            .extend((150..256).map(|leaf| leaf.to_string().into_bytes()));
        log.only_full_tiles = true;
        checkpoint
    };
    assert_eq!(reader.admit(&received).await.map(|tree| tree.size), Ok(150));
}

#[tokio::test]
async fn a_fork_is_noticed_whichever_side_is_older() {
    let double = with_leaves(5).await;
    let reader = reader(&double, Tree::default()).await;
    let seen = reader.advance().await.unwrap();
    for size in [3, 5, 8] {
        let forged = {
            let mut log = double.log.lock().unwrap();
            log.leaves = (0..8).map(|leaf| format!("other {leaf}").into_bytes()).collect();
            log.checkpoint(size)
        };
        let (older, newer) = match Tree::from(&forged) {
            forged if size < 5 => (forged, seen),
            forged => (seen, forged),
        };
        assert_eq!(
            reader.admit(&forged).await,
            Err(LedgerRefused::Forked { older, newer })
        );
        assert_eq!(reader.last().await, seen, "a lie is not remembered");
    }
}

#[tokio::test]
async fn an_older_checkpoint_of_the_same_log_is_admitted_and_the_larger_remembered() {
    let double = with_leaves(9).await;
    let reader = reader(&double, Tree::default()).await;
    let seen = reader.advance().await.unwrap();
    let older = double.log.lock().unwrap().checkpoint(4);
    assert_eq!(reader.admit(&older).await, Ok(seen));
}

#[tokio::test]
async fn a_log_that_was_rolled_back_is_noticed_in_the_next_run() {
    let double = with_leaves(9).await;
    let kept = reader(&double, Tree::default()).await.advance().await.unwrap();
    let text = serde_json::to_string(&kept).unwrap();
    double.log.lock().unwrap().leaves.truncate(4);
    let reader = reader(&double, serde_json::from_str(&text).unwrap()).await;
    assert_eq!(
        reader.advance().await,
        Err(LedgerRefused::RolledBack { seen: 9, shown: 4 })
    );
}

#[tokio::test]
async fn a_checkpoint_without_its_witness_is_refused() {
    let double = with_leaves(2).await;
    double.log.lock().unwrap().witnessed = false;
    let reader = reader(&double, Tree::default()).await;
    assert_eq!(reader.advance().await, Err(LedgerRefused::Checkpoint));
}
