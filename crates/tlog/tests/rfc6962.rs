//! The tree and its proofs against RFC 6962 section 2.1 written down as it stands, and against published vectors.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::cell::RefCell;
use std::collections::HashMap;

use cyberid_tlog::hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::proof::{
    ConsistencyPlan, ConsistencyProof, InclusionPlan, InclusionProof, MAX_PROOF_HASHES, ProofError,
};
use cyberid_tlog::tree::{Frontier, RootPlan, root_from_leaves};

/// The recursive definitions, over leaf hashes.
struct Naive {
    leaves: Vec<Hash>,
    known: RefCell<HashMap<(usize, usize), Hash>>,
}

impl Naive {
    fn new(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            leaves: entries.into_iter().map(|entry| leaf_hash(&entry)).collect(),
            known: RefCell::default(),
        }
    }

    /// `k`, the largest power of two smaller than `n`.
    fn k(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    /// `MTH(D[start:end])`.
    fn mth(&self, start: usize, end: usize) -> Hash {
        match end - start {
            0 => return EMPTY_ROOT,
            1 => return self.leaves[start],
            _ => {}
        }
        if let Some(&hash) = self.known.borrow().get(&(start, end)) {
            return hash;
        }
        let middle = start + Self::k(end - start);
        let hash = node_hash(self.mth(start, middle), self.mth(middle, end));
        self.known.borrow_mut().insert((start, end), hash);
        hash
    }

    /// `PATH(m, D[start:end])`.
    fn path(&self, m: usize, start: usize, end: usize) -> Vec<Hash> {
        if end - start == 1 {
            return vec![];
        }
        let middle = start + Self::k(end - start);
        let (mut path, sibling) = if m < middle - start {
            (self.path(m, start, middle), self.mth(middle, end))
        } else {
            (
                self.path(m - (middle - start), middle, end),
                self.mth(start, middle),
            )
        };
        path.push(sibling);
        path
    }

    /// `SUBPROOF(m, D[start:end], whole)`.
    fn subproof(&self, m: usize, start: usize, end: usize, whole: bool) -> Vec<Hash> {
        if m == end - start {
            return if whole { vec![] } else { vec![self.mth(start, end)] };
        }
        let k = Self::k(end - start);
        let (mut proof, sibling) = if m <= k {
            (
                self.subproof(m, start, start + k, whole),
                self.mth(start + k, end),
            )
        } else {
            (
                self.subproof(m - k, start + k, end, false),
                self.mth(start, start + k),
            )
        };
        proof.push(sibling);
        proof
    }
}

/// The nodes a sequencer stores while appending.
fn stored(leaves: &[Hash]) -> HashMap<Node, Hash> {
    let mut frontier = Frontier::new();
    leaves
        .iter()
        .flat_map(|&leaf| frontier.append(leaf).unwrap())
        .map(|done| (done.node, done.hash))
        .collect()
}

fn numbered(count: u64) -> Naive {
    Naive::new((0..count).map(|i| format!("entry {i}").into_bytes()))
}

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter()
        .map(|text| Hash::from_slice(&hex::decode(text).unwrap()).unwrap())
        .collect()
}

fn altered(hash: Hash) -> Hash {
    let mut bytes = hash.0;
    bytes[31] ^= 1;
    Hash(bytes)
}

/// The leaves of the Certificate Transparency reference implementation's tests.
fn reference() -> Naive {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    Naive::new(leaves.map(|text| hex::decode(text).unwrap()))
}

const REFERENCE_ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_reference_roots_are_met() {
    let leaves = reference().leaves;
    let stored = stored(&leaves);
    for (i, &root) in hashes(&REFERENCE_ROOTS).iter().enumerate() {
        assert_eq!(root_from_leaves(leaves[..=i].iter().copied()), Ok(root));
        assert_eq!(
            RootPlan::new(i as u64 + 1)
                .unwrap()
                .root(|node| stored.get(&node).copied()),
            Ok(root)
        );
    }
    assert_eq!(root_from_leaves([]), Ok(EMPTY_ROOT));
}

#[test]
fn the_reference_inclusion_proofs_are_met() {
    let leaves = reference().leaves;
    let (stored, roots) = (stored(&leaves), hashes(&REFERENCE_ROOTS));
    let cases: [(usize, usize, &[&str]); 5] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            3,
            &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        ),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (index, size, expected) in cases {
        let plan = InclusionPlan::new(index as u64, size as u64).unwrap();
        let proof = plan.prove(|node| stored.get(&node).copied()).unwrap();
        assert_eq!(proof.hashes, hashes(expected), "{index} {size}");
        assert_eq!(
            proof.verify(leaves[index], index as u64, size as u64, roots[size - 1]),
            Ok(())
        );
    }
}

#[test]
fn the_reference_consistency_proofs_are_met() {
    let (stored, roots) = (stored(&reference().leaves), hashes(&REFERENCE_ROOTS));
    let cases: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (old, new, expected) in cases {
        let plan = ConsistencyPlan::new(old as u64, new as u64).unwrap();
        let proof = plan.prove(|node| stored.get(&node).copied()).unwrap();
        assert_eq!(proof.hashes, hashes(expected), "{old} {new}");
        assert_eq!(
            proof.verify(old as u64, roots[old - 1], new as u64, roots[new - 1]),
            Ok(())
        );
    }
}

#[test]
fn every_inclusion_proof_up_to_300_is_the_recursive_one() {
    let naive = numbered(300);
    let stored = stored(&naive.leaves);
    for size in 1..=300_usize {
        let root = naive.mth(0, size);
        for index in 0..size {
            let plan = InclusionPlan::new(index as u64, size as u64).unwrap();
            let proof = plan.prove(|node| stored.get(&node).copied()).unwrap();
            assert_eq!(proof.hashes, naive.path(index, 0, size), "{index} {size}");
            assert_eq!(
                proof.verify(naive.leaves[index], index as u64, size as u64, root),
                Ok(()),
                "{index} {size}"
            );
        }
    }
}

#[test]
fn every_consistency_proof_up_to_300_is_the_recursive_one() {
    let naive = numbered(300);
    let stored = stored(&naive.leaves);
    for new in 1..=300_usize {
        for old in 1..=new {
            let plan = ConsistencyPlan::new(old as u64, new as u64).unwrap();
            let proof = plan.prove(|node| stored.get(&node).copied()).unwrap();
            assert_eq!(proof.hashes, naive.subproof(old, 0, new, true), "{old} {new}");
            let (old_root, new_root) = (naive.mth(0, old), naive.mth(0, new));
            assert_eq!(
                proof.verify(old as u64, old_root, new as u64, new_root),
                Ok(()),
                "{old} {new}"
            );
        }
    }
}

#[test]
fn proofs_at_the_powers_of_two_hold() {
    let naive = numbered(4097);
    let stored = stored(&naive.leaves);
    let edges: Vec<usize> = (0..=12)
        .flat_map(|k| [(1 << k) - 1, 1 << k, (1 << k) + 1])
        .collect();
    for &size in edges.iter().filter(|&&size| size > 0) {
        for &index in edges.iter().filter(|&&index| index < size) {
            let plan = InclusionPlan::new(index as u64, size as u64).unwrap();
            let proof = plan.prove(|node| stored.get(&node).copied()).unwrap();
            assert_eq!(proof.hashes, naive.path(index, 0, size));
            assert_eq!(
                proof.verify(naive.leaves[index], index as u64, size as u64, naive.mth(0, size)),
                Ok(())
            );
        }
        for &old in edges.iter().filter(|&&old| old > 0 && old <= size) {
            let plan = ConsistencyPlan::new(old as u64, size as u64).unwrap();
            let proof = plan.prove(|node| stored.get(&node).copied()).unwrap();
            assert_eq!(proof.hashes, naive.subproof(old, 0, size, true));
            assert_eq!(
                proof.verify(old as u64, naive.mth(0, old), size as u64, naive.mth(0, size)),
                Ok(())
            );
        }
    }
}

#[test]
fn a_tampered_inclusion_proof_is_refused() {
    let naive = numbered(40);
    for size in 1..=40_usize {
        for index in 0..size {
            let (leaf, root) = (naive.leaves[index], naive.mth(0, size));
            let verify =
                |hashes: Vec<Hash>| InclusionProof { hashes }.verify(leaf, index as u64, size as u64, root);
            let good = naive.path(index, 0, size);
            for i in 0..good.len() {
                let mut wrong = good.clone();
                wrong[i] = altered(wrong[i]);
                assert_eq!(verify(wrong), Err(ProofError::RootMismatch));
                let mut missing = good.clone();
                missing.remove(i);
                assert_eq!(verify(missing), Err(ProofError::WrongLength));
            }
            for i in 0..=good.len() {
                let mut extra = good.clone();
                extra.insert(i, leaf);
                assert_eq!(verify(extra), Err(ProofError::WrongLength));
            }
            let proof = InclusionProof { hashes: good };
            let claim = |leaf, index: usize, root| proof.verify(leaf, index as u64, size as u64, root);
            assert_eq!(claim(altered(leaf), index, root), Err(ProofError::RootMismatch));
            assert_eq!(claim(leaf, index, altered(root)), Err(ProofError::RootMismatch));
            assert!(
                (0..size + 2)
                    .filter(|&other| other != index)
                    .all(|other| claim(leaf, other, root).is_err())
            );
        }
    }
}

#[test]
fn a_tampered_consistency_proof_is_refused() {
    let naive = numbered(40);
    for new in 2..=40_usize {
        for old in 1..new {
            let (old_root, new_root) = (naive.mth(0, old), naive.mth(0, new));
            let verify = |hashes: Vec<Hash>| {
                ConsistencyProof { hashes }.verify(old as u64, old_root, new as u64, new_root)
            };
            let good = naive.subproof(old, 0, new, true);
            for i in 0..good.len() {
                let mut wrong = good.clone();
                wrong[i] = altered(wrong[i]);
                let refusal = verify(wrong).unwrap_err();
                assert!(
                    matches!(refusal, ProofError::OldRootMismatch | ProofError::RootMismatch),
                    "{refusal:?}"
                );
                let mut missing = good.clone();
                missing.remove(i);
                assert_eq!(verify(missing), Err(ProofError::WrongLength));
            }
            for i in 0..=good.len() {
                let mut extra = good.clone();
                extra.insert(i, old_root);
                assert_eq!(verify(extra), Err(ProofError::WrongLength));
            }
            let proof = ConsistencyProof { hashes: good };
            let claim = |old_root, new_root| proof.verify(old as u64, old_root, new as u64, new_root);
            assert!(claim(altered(old_root), new_root).is_err());
            assert_eq!(claim(old_root, altered(new_root)), Err(ProofError::RootMismatch));
        }
    }
}

#[test]
fn a_forked_tree_has_no_consistency_proof() {
    let (honest, mut forked) = (numbered(20), numbered(20));
    forked.leaves[3] = altered(forked.leaves[3]);
    for old in 4..20_usize {
        let proof = ConsistencyProof {
            hashes: forked.subproof(old, 0, 20, true),
        };
        assert!(
            proof
                .verify(old as u64, honest.mth(0, old), 20, forked.mth(0, 20))
                .is_err(),
            "{old}"
        );
        assert_eq!(
            proof.verify(old as u64, forked.mth(0, old), 20, forked.mth(0, 20)),
            Ok(()),
            "{old}"
        );
    }
}

#[test]
fn a_missing_node_is_named() {
    let plan = InclusionPlan::new(0, 7).unwrap();
    for &gone in plan.nodes() {
        let refusal = plan
            .prove(|node| (node != gone).then_some(EMPTY_ROOT))
            .unwrap_err();
        assert_eq!(refusal.node, gone);
    }
    assert!(plan.nodes().len() <= MAX_PROOF_HASHES);
}
