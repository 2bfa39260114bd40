//! Proofs: no hashes prove what is not so.

use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::{ConsistencyProof, InclusionProof};
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tree::root_from_leaves;

use crate::seeds;

/// `index || size || hashes`, and what they say of the seeds' tree.
pub(crate) fn inclusion(bytes: &[u8]) -> bool {
    let Some((index, size, hashes)) = numbers_and_hashes(bytes) else {
        return false;
    };
    let tree = seeds::tree();
    let proof = InclusionProof { hashes };
    let (root, leaf) = (tree.root(), leaf_hash(seeds::entry(index % 20).as_bytes()));
    let foreign = leaf_hash(b"never in the log");
    assert!(proof.verify(foreign, index, size, root).is_err());
    let proved = proof.verify(leaf, index, size, root).is_ok();
    // The number of leaves is signed with the root: of any other number the proof says nothing.
    assert!(!proved || size != tree.size() || index < size);
    proved
}

/// `old || new || hashes`, and what they say of the seeds' tree.
pub(crate) fn consistency(bytes: &[u8]) -> bool {
    let Some((old, new, hashes)) = numbers_and_hashes(bytes) else {
        return false;
    };
    let proof = ConsistencyProof { hashes };
    let (root, foreign) = (seeds::tree().root(), Hash([7; 32]));
    assert!(
        proof.verify(old, foreign, new, root).is_err(),
        "a root that never was"
    );
    assert!(
        old == 0 || proof.verify(old, root, new, foreign).is_err(),
        "a root that never will be"
    );
    let old_root = root_from_leaves((0..old.min(20)).map(|index| leaf_hash(seeds::entry(index).as_bytes())));
    proof.verify(old, old_root.unwrap(), new, root).is_ok()
}

fn numbers_and_hashes(bytes: &[u8]) -> Option<(u64, u64, Vec<Hash>)> {
    let (first, rest) = bytes.split_first_chunk::<8>()?;
    let (second, rest) = rest.split_first_chunk::<8>()?;
    let (hashes, _) = rest.as_chunks::<32>();
    let hashes = hashes.iter().copied().map(Hash).collect();
    Some((u64::from_be_bytes(*first), u64::from_be_bytes(*second), hashes))
}

/// A receipt has one text, and proves only what is in the log.
pub(crate) fn receipt(bytes: &[u8]) -> bool {
    let Ok(receipt) = TlogProof::parse(bytes) else {
        return false;
    };
    assert_eq!(receipt.to_string().as_bytes(), bytes);
    let policy = Policy::without_witnesses(seeds::log_key()).unwrap();
    let foreign = receipt.verify(b"never in the log", &seeds::log_key(), &policy);
    assert!(foreign.is_err());
    let proved = receipt.verify(seeds::entry(3).as_bytes(), &seeds::log_key(), &policy);
    assert!(proved.as_ref().map_or(true, |entry| entry.index() == 3));
    proved.is_ok()
}
