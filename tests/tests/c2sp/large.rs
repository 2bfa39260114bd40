//! A log of our making that is large enough for tiles above tiles, cosigned by witnesses of both kinds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, MlDsa44Signer, NoteSigner};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{Tile, TileKind, TilePath, encode_bundle, new_tiles};
use cyberid_tlog::tree::Frontier;
use serde_json::json;

use crate::{path, refused, verified, with_altered_byte};

/// Full tiles of the levels 0 and 1, and partial ones of the levels 0, 1 and 2.
const SIZE: u64 = 66_000;

fn entry(index: u64) -> String {
    format!("entry {index}")
}

/// Writes the log as it would be served.
fn write(folder: &Path) {
    let (mut frontier, mut nodes) = (Frontier::new(), BTreeMap::<Node, Hash>::new());
    for index in 0..SIZE {
        let completed = frontier.append(leaf_hash(entry(index).as_bytes())).unwrap();
        nodes.extend(completed.into_iter().map(|done| (done.node, done.hash)));
    }
    for tile in new_tiles(0, SIZE) {
        let TileKind::Hashes { level } = tile.kind() else {
            continue;
        };
        let first = 256 * tile.index();
        let places = first..first + u64::from(tile.width());
        let hash = |index| nodes[&Node::new(8 * level, index).unwrap()];
        let hashes = places.clone().map(hash).collect();
        put(
            folder,
            &tile.to_string(),
            Tile::from_hashes(hashes).unwrap().to_bytes(),
        );
        if level == 0 {
            let entries: Vec<String> = places.map(entry).collect();
            let bundle = TilePath::new(TileKind::Entries, tile.index(), tile.width()).unwrap();
            put(folder, &bundle.to_string(), encode_bundle(&entries).unwrap());
        }
    }
    sign(folder, frontier.root());
}

fn sign(folder: &Path, root: Hash) {
    let log = Ed25519Signer::from_seed("large.example/log", &[1; 32]).unwrap();
    let ed25519 = Ed25519Signer::cosigner_from_seed("ed25519.example", &[2; 32]).unwrap();
    let ml_dsa = MlDsa44Signer::cosigner_from_seed("ml-dsa.example", &[3; 32]).unwrap();
    let checkpoint = Checkpoint::new("large.example/log", SIZE, root).unwrap();
    let mut checkpoint = checkpoint.sign(&log).unwrap();
    for witness in [&ed25519 as &dyn NoteSigner, &ml_dsa] {
        let line = cosign(&checkpoint, 1_795_000_000, witness).unwrap();
        checkpoint.add_cosignature(line).unwrap();
    }
    put(folder, "checkpoint", checkpoint.note().to_string().into_bytes());
    let keys = [ed25519.verifier_key().clone(), ml_dsa.verifier_key().clone()];
    let policy = Policy::k_of_n(Some(log.verifier_key().clone()), &keys, 2).unwrap();
    let policy = String::from_utf8(policy.to_bytes()).unwrap();
    let anchors = json!({"vkey": log.verifier_key().to_string(), "policy": policy});
    put(folder, "anchors.json", anchors.to_string().into_bytes());
}

fn put(folder: &Path, path: &str, bytes: Vec<u8>) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn a_log_with_tiles_above_tiles_is_rebuilt_and_no_byte_of_it_can_be_another() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let copy = ["copy", path(folder.path())];
    let found = verified(&copy).await;
    assert_eq!((&found["size"], &found["entries"]), (&json!(SIZE), &json!(SIZE)));
    let times = json!({"ed25519.example": 1_795_000_000, "ml-dsa.example": 1_795_000_000});
    assert_eq!(found["cosigned"], times);

    let note = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    let after = |text: &str| note.find(text).unwrap() + text.len();
    for (file, at) in [
        ("tile/0/000", 0),
        ("tile/1/000", 8_191),
        ("tile/1/001.p/1", 17),
        ("tile/2/000.p/1", 31),
        // The length of an entry, and a letter of one.
        ("tile/entries/128", 1),
        ("tile/entries/257.p/208", 45),
        // Within each signature.
        ("checkpoint", after("\n\u{2014} large.example/log ") + 40),
        ("checkpoint", after("\n\u{2014} ed25519.example ") + 40),
        ("checkpoint", after("\n\u{2014} ml-dsa.example ") + 1_000),
    ] {
        with_altered_byte(&folder.path().join(file), at, async || {
            refused(&copy).await;
        })
        .await;
    }

    // Whoever has no entries has the tree; of its last tile nothing stands above but the root.
    fs::remove_dir_all(folder.path().join("tile/entries")).unwrap();
    assert_eq!(verified(&copy).await["entries"], 0);
    with_altered_byte(&folder.path().join("tile/0/257.p/208"), 6_655, async || {
        refused(&copy).await;
    })
    .await;
}
