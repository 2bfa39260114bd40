//! A tree of a million entries, at random sizes and places; the numbers are always the same ones.

use ct_merkle::{ConsistencyProof as CtConsistency, InclusionProof as CtInclusion, RootHash};
use cyberid_tlog::hash::{Hash, leaf_hash};
use proptest::strategy::Strategy as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sha2::Sha256;
use tlog_tiles::tlog;

use crate::store::{Store, bytes, entry, ours, theirs};

const SIZE: u64 = 1_000_000;
const CASES: u32 = 2_000;

fn ct_root(root: Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(root.0.into(), size)
}

fn inclusion_agrees(store: &Store, index: u64, size: u64) {
    let (root, proof) = (store.root(size), store.inclusion(index, size));
    let go = tlog::prove_record(size, index, store).unwrap();
    assert_eq!(ours(&go), proof.hashes, "{index} {size}");
    assert!(tlog::check_record(&go, size, theirs(root), index, tlog::record_hash(&entry(index))).is_ok());
    let ct = CtInclusion::try_from_bytes(bytes(&proof.hashes)).unwrap();
    let verified = ct_root(root, size).verify_inclusion(&entry(index), index, &ct);
    assert!(verified.is_ok(), "{index} {size}");
    assert_eq!(proof.verify(leaf_hash(&entry(index)), index, size, root), Ok(()));
}

fn consistency_agrees(store: &Store, old: u64, new: u64) {
    let (old_root, new_root) = (store.root(old), store.root(new));
    let proof = store.consistency(old, new);
    let go = tlog::prove_tree(new, old, store).unwrap();
    assert_eq!(ours(&go), proof.hashes, "{old} {new}");
    assert!(tlog::check_tree(&go, new, theirs(new_root), old, theirs(old_root)).is_ok());
    let ct = CtConsistency::try_from_bytes(bytes(&proof.hashes)).unwrap();
    let verified = ct_root(new_root, new).verify_consistency(&ct_root(old_root, old), &ct);
    assert!(verified.is_ok(), "{old} {new}");
    assert_eq!(proof.verify(old, old_root, new, new_root), Ok(()));
}

#[test]
fn random_proofs_agree() {
    let store = Store::new(SIZE);
    assert_eq!(tlog::tree_hash(SIZE, &store).unwrap().0, store.root(SIZE).0);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let pairs = (1..=SIZE).prop_flat_map(|size| (1..=size, proptest::prelude::Just(size)));
    let agree = TestRunner::new_with_rng(config, rng).run(&pairs, |(lesser, size)| {
        inclusion_agrees(&store, lesser - 1, size);
        consistency_agrees(&store, lesser, size);
        Ok(())
    });
    agree.unwrap();
}
