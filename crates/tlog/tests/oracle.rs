//! This crate against an independent implementation: the port of the Go checksum database's `tlog` and `note`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::HashMap;

use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner, SignedNote};
use cyberid_tlog::proof::{ConsistencyPlan, InclusionPlan};
use cyberid_tlog::tile::{TilePath, new_tiles};
use cyberid_tlog::tree::{Frontier, RootPlan};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::tlog::{self, HashReader};

const SIZE: u64 = 600;

/// One store of hashes, under our coordinates and read by the oracle under its own.
struct Store(HashMap<Node, Hash>);

impl Store {
    fn new() -> Self {
        let mut frontier = Frontier::new();
        let leaves = (0..SIZE).map(|i| leaf_hash(&i.to_be_bytes()));
        Self(
            leaves
                .flat_map(|leaf| frontier.append(leaf).unwrap())
                .map(|done| (done.node, done.hash))
                .collect(),
        )
    }

    fn lookup(&self, node: Node) -> Option<Hash> {
        self.0.get(&node).copied()
    }
}

impl HashReader for Store {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let read = |&index: &u64| {
            let (level, index) = tlog::split_stored_hash_index(index);
            tlog::Hash(self.lookup(Node::new(level, index).unwrap()).unwrap().0)
        };
        Ok(indexes.iter().map(read).collect())
    }
}

#[test]
fn leaves_and_roots_agree() {
    let store = Store::new();
    assert_eq!(tlog::record_hash(b"entry").0, leaf_hash(b"entry").0);
    for size in 1..=SIZE {
        let root = RootPlan::new(size)
            .unwrap()
            .root(|node| store.lookup(node))
            .unwrap();
        assert_eq!(tlog::tree_hash(size, &store).unwrap().0, root.0, "{size}");
    }
}

#[test]
fn inclusion_proofs_agree() {
    let store = Store::new();
    for size in (1..=SIZE).step_by(7).chain([255, 256, 257, 511, 512, 513]) {
        for index in (0..size).step_by(5).chain([size - 1]) {
            let ours = InclusionPlan::new(index, size)
                .unwrap()
                .prove(|node| store.lookup(node))
                .unwrap();
            let theirs = tlog::prove_record(size, index, &store).unwrap();
            assert_eq!(
                theirs.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>(),
                ours.hashes,
                "{index} {size}"
            );
        }
    }
}

#[test]
fn consistency_proofs_agree() {
    let store = Store::new();
    for new in (1..=SIZE).step_by(7).chain([255, 256, 257, 511, 512, 513]) {
        for old in (1..new).step_by(5).chain([new]) {
            let ours = ConsistencyPlan::new(old, new)
                .unwrap()
                .prove(|node| store.lookup(node))
                .unwrap();
            let theirs = tlog::prove_tree(new, old, &store).unwrap();
            assert_eq!(
                theirs.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>(),
                ours.hashes,
                "{old} {new}"
            );
        }
    }
}

#[test]
fn new_tiles_agree() {
    for (old, new) in [
        (0, 1),
        (0, 256),
        (255, 257),
        (256, 256),
        (1, 70_000),
        (65_535, 65_537),
        (70_000, 140_001),
    ] {
        let mut theirs: Vec<_> = tlog_tiles::tile::Tile::new_tiles(8, old, new)
            .iter()
            .map(|t| (t.level(), t.level_index(), t.width()))
            .collect();
        let coordinates = |path: TilePath| match path.kind() {
            cyberid_tlog::tile::TileKind::Hashes { level } => (level, path.index(), u32::from(path.width())),
            cyberid_tlog::tile::TileKind::Entries => (u8::MAX, 0, 0),
        };
        let ours: Vec<_> = new_tiles(old, new).map(coordinates).collect();
        theirs.sort_unstable();
        assert_eq!(theirs, ours, "{old} {new}");
    }
}

#[test]
fn our_notes_open_there_and_altered_ones_do_not() {
    let signer = Ed25519Signer::from_seed("log.example/a", &[7; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new("log.example/a", 1, leaf_hash(b""))
        .unwrap()
        .sign(&signer)
        .unwrap();
    let vkey = signer.verifier_key().to_string();
    let verify = |note: &[u8]| {
        let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
        Note::from_bytes(note).unwrap().verify(&known).is_ok()
    };
    let note = checkpoint.note().to_string();
    assert!(verify(note.as_bytes()));
    assert!(!verify(note.replace("\n1\n", "\n2\n").as_bytes()));
}

#[test]
fn their_notes_open_here() {
    let skey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        .parse()
        .unwrap();
    let signer = signed_note::StandardSigner::new(skey).unwrap();
    for text in ["text\n", "one\n\ntwo\n", "一\n", "\n"] {
        let mut note = Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        let read = SignedNote::parse(&note.to_bytes()).unwrap();
        assert_eq!(read.text(), text);
        assert!(read.verify(std::slice::from_ref(&key)).is_ok());
    }
}
