//! Proofs: no hashes prove what is not so.

use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::{ConsistencyProof, InclusionProof};
use cyberid_tlog::receipt::TlogProof;

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
    if proved && size == tree.size() {
        assert_eq!(proof, seeds::inclusion_proof(index), "an entry has one proof");
    }
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
    let proved = proof.verify(old, seeds::root(old), new, root).is_ok();
    if proved && new == seeds::LEAVES {
        assert_eq!(proof, seeds::consistency_proof(old), "a size has one proof");
    }
    proved
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
    if let Ok(entry) = &proved {
        assert_eq!((entry.index(), &receipt.proof), (3, &seeds::inclusion_proof(3)));
        assert_eq!(
            entry.checkpoint().checkpoint(),
            seeds::checkpoint_of_the_log().checkpoint()
        );
    }
    let witness = Policy::k_of_n(None, &[seeds::witness_key()], 1).unwrap();
    let witnessed = receipt.verify(seeds::entry(3).as_bytes(), &seeds::log_key(), &witness);
    assert!(
        witnessed.is_err() || proved.is_ok(),
        "a quorum only adds to what is asked"
    );
    proved.is_ok()
}
