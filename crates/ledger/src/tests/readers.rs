//! What is published, and not a byte more.

use cyberid_storage::ledger::LedgerRead;
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::tile::{decode_bundle, new_tiles};

use super::{Call, Stores, append, bodies, id};
use crate::{LedgerError, LedgerReader, ReadError, Under};

async fn published(size: u64) -> (Stores, LedgerReader) {
    let stores = Stores::default();
    append(&stores.open().await.unwrap(), &bodies(0..size)).await;
    let reader = stores.reader();
    (stores, reader)
}

#[tokio::test]
async fn tiles_of_every_earlier_size_are_still_there() {
    let (stores, reader) = published(600).await;
    for size in [1, 2, 255, 256, 257, 511, 600] {
        for path in new_tiles(0, size) {
            let bytes = reader.tile(path).await.unwrap();
            assert_eq!(bytes.len(), usize::from(path.width()) * 32, "{path}");
        }
    }
    let leaf = reader.tile("tile/0/002.p/88".parse().unwrap()).await.unwrap();
    assert_eq!(leaf[87 * 32..], *leaf_hash(b"leaf 599").as_bytes());
    let whole = stores.store.tile(0, 1).await.unwrap().unwrap().hashes;
    assert_eq!(reader.tile("tile/0/001".parse().unwrap()).await.unwrap(), whole);
}

#[tokio::test]
async fn bundles_hold_the_leaves() {
    let (_, reader) = published(300).await;
    for (path, range) in [
        ("tile/entries/000", 0..256),
        ("tile/entries/000.p/7", 0..7),
        ("tile/entries/001.p/44", 256..300),
    ] {
        let bundle = reader.entries(path.parse().unwrap()).await.unwrap();
        let width = u16::try_from(range.end - range.start).unwrap();
        let expected = bodies(range);
        let entries = decode_bundle(&bundle, width).unwrap();
        assert!(
            entries.iter().copied().eq(expected.iter().map(String::as_bytes)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_published_is_not_there() {
    let (_, reader) = published(300).await;
    for path in [
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/7/000.p/1",
        "tile/63/000.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/615",
        // The other kind's reader is another one's to mount.
        "tile/entries/000",
    ] {
        let missing = reader.tile(path.parse().unwrap()).await;
        assert!(matches!(missing, Err(ReadError::NotThere)), "{path}");
    }
    for path in [
        "tile/entries/001",
        "tile/entries/001.p/45",
        "tile/entries/x018/x446/x744/x073/x709/x551/615",
        "tile/0/000",
    ] {
        let missing = reader.entries(path.parse().unwrap()).await;
        assert!(matches!(missing, Err(ReadError::NotThere)), "{path}");
    }
    assert!(matches!(
        reader.receipt(300, Under::Latest).await,
        Err(ReadError::NotThere)
    ));
    assert!(matches!(
        reader.receipt(u64::MAX, Under::Latest).await,
        Err(ReadError::NotThere)
    ));
    assert!(matches!(
        reader.receipt(0, Under::Quorum).await,
        Err(ReadError::NotThere)
    ));
    assert!(matches!(
        reader.consistency(0, 301).await,
        Err(ReadError::NotThere)
    ));
    assert!(matches!(reader.consistency(2, 1).await, Err(ReadError::NotThere)));
}

#[tokio::test]
async fn leaves_that_the_store_has_not_yet_are_not_published() {
    let (stores, reader) = published(3).await;
    let ledger = stores.open().await.unwrap();
    stores.faults.break_down(Call::Append);
    assert_eq!(ledger.append(id(), "leaf 3".into()).await.unwrap(), 3);
    assert!(matches!(ledger.published(3).await, Err(LedgerError::Unknown(_))));
    assert_eq!(ledger.latest().size(), 4);
    for path in ["tile/0/000.p/4", "tile/entries/000.p/4"] {
        let path: cyberid_tlog::tile::TilePath = path.parse().unwrap();
        assert!(reader.tile(path).await.is_err());
        assert!(reader.entries(path).await.is_err());
    }
    assert!(reader.inclusion(3, 4).await.is_err());
    stores.faults.repair();
    assert_eq!(ledger.published(3).await.unwrap().size(), 4);
    assert!(reader.inclusion(3, 4).await.is_ok());
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_not_passed_on() {
    let (stores, _) = published(3).await;
    let stranger = cyberid_tlog::note::Ed25519Signer::from_seed(super::ORIGIN, &[9; 32])
        .ok()
        .unwrap();
    let key = cyberid_tlog::note::NoteSigner::verifier_key(&stranger).clone();
    let reader = LedgerReader::new(std::sync::Arc::clone(&stores.store) as _, key);
    assert!(matches!(
        reader.checkpoint().await,
        Err(ReadError::Corrupt("checkpoint"))
    ));
}
