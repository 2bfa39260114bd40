//! Every size up to 300, every entry and every older size of it.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof as CtConsistency, InclusionProof as CtInclusion, RootHash};
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::proof::{ConsistencyProof, InclusionProof};
use sha2::Sha256;
use tlog_tiles::tlog;

use crate::store::{Store, bytes, entry, ours, theirs};

const SIZE: u64 = 300;

type CtTree = MemoryBackedTree<Sha256, [u8; 8]>;

/// The other crate's tree, at each size.
fn growing(mut at: impl FnMut(&CtTree, &[RootHash<Sha256>])) {
    let mut tree = CtTree::new();
    let mut roots = vec![tree.root()];
    for index in 0..SIZE {
        tree.push(entry(index));
        roots.push(tree.root());
        at(&tree, &roots);
    }
}

#[test]
fn leaves_and_roots_agree() {
    let store = Store::new(SIZE);
    assert_eq!(tlog::record_hash(b"entry").0, leaf_hash(b"entry").0);
    growing(|tree, _| {
        let root = store.root(tree.len());
        assert_eq!(tlog::tree_hash(tree.len(), &store).unwrap().0, root.0);
        assert_eq!(tree.root().as_bytes().as_slice(), root.0);
    });
}

#[test]
fn inclusion_proofs_agree_for_every_entry() {
    let store = Store::new(SIZE);
    growing(|tree, _| {
        let (size, root) = (tree.len(), store.root(tree.len()));
        for index in 0..size {
            let leaf = leaf_hash(&entry(index));
            let proof = store.inclusion(index, size);
            let go = tlog::prove_record(size, index, &store).unwrap();
            let ct = tree.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(ours(&go), proof.hashes, "{index} {size}");
            assert_eq!(ct.as_bytes(), bytes(&proof.hashes), "{index} {size}");

            let made: Vec<_> = proof.hashes.iter().copied().map(theirs).collect();
            assert!(tlog::check_record(&made, size, theirs(root), index, theirs(leaf)).is_ok());
            let made = CtInclusion::try_from_bytes(bytes(&proof.hashes)).unwrap();
            assert!(tree.root().verify_inclusion(&entry(index), index, &made).is_ok());
            let read = InclusionProof { hashes: ours(&go) };
            assert_eq!(read.verify(leaf, index, size, root), Ok(()));
        }
    });
}

#[test]
fn consistency_proofs_agree_from_every_size_to_every_other() {
    let store = Store::new(SIZE);
    growing(|tree, roots| {
        let (new, root) = (tree.len(), store.root(tree.len()));
        for old in 1..=new {
            let old_root = store.root(old);
            let proof = store.consistency(old, new);
            let go = tlog::prove_tree(new, old, &store).unwrap();
            let ct = tree.prove_consistency(usize::try_from(new - old).unwrap());
            assert_eq!(ours(&go), proof.hashes, "{old} {new}");
            assert_eq!(ct.as_bytes(), bytes(&proof.hashes), "{old} {new}");

            let made: Vec<_> = proof.hashes.iter().copied().map(theirs).collect();
            assert!(tlog::check_tree(&made, new, theirs(root), old, theirs(old_root)).is_ok());
            let made = CtConsistency::try_from_bytes(bytes(&proof.hashes)).unwrap();
            let old_ct = &roots[usize::try_from(old).unwrap()];
            assert!(tree.root().verify_consistency(old_ct, &made).is_ok());
            let read = ConsistencyProof { hashes: ours(&go) };
            assert_eq!(read.verify(old, old_root, new, root), Ok(()));
        }
    });
}
