//! Merkle audit paths (RFC 6962 section 2.1.1).

use super::spans::Spans;
use super::{MissingNode, PlanError, ProofError};
use crate::hash::{Hash, node_hash};
use crate::node::{MAX_SIZE, Node, split};

/// Which stored nodes prove that an entry is in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionPlan(Spans);

impl InclusionPlan {
    /// Plans `PATH(index, D[size])` (RFC 6962 section 2.1.1).
    pub fn new(index: u64, size: u64) -> Result<Self, PlanError> {
        if size > MAX_SIZE {
            return Err(PlanError::SizeTooLarge { size });
        }
        if index >= size {
            return Err(PlanError::IndexOutOfRange { index, size });
        }
        let mut siblings = siblings_from_root(index, size);
        siblings.reverse();
        Ok(Self(Spans::new(siblings)))
    }

    /// The nodes whose hashes are needed.
    pub fn nodes(&self) -> &[Node] {
        self.0.nodes()
    }

    /// The proof, from the hashes of the planned nodes.
    pub fn prove(&self, lookup: impl FnMut(Node) -> Option<Hash>) -> Result<InclusionProof, MissingNode> {
        self.0.evaluate(lookup).map(|hashes| InclusionProof { hashes })
    }
}

/// A claim that a leaf is in a tree: the hashes from the leaf's sibling up to the root's child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InclusionProof {
    /// The hashes, in the order of RFC 6962 section 2.1.1.
    pub hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Checks that `leaf` is at `index` in the tree of `size` leaves with `root` (RFC 9162 section 2.1.3.2).
    pub fn verify(&self, leaf: Hash, index: u64, size: u64, root: Hash) -> Result<(), ProofError> {
        if index >= size {
            return Err(ProofError::OutOfRange);
        }
        let (mut node, mut last) = (index, size - 1);
        let mut hash = leaf;
        for &sibling in &self.hashes {
            if last == 0 {
                return Err(ProofError::WrongLength);
            }
            if node & 1 == 1 || node == last {
                hash = node_hash(sibling, hash);
                (node, last) = skip_lone_levels(node, last);
            } else {
                hash = node_hash(hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        if last != 0 {
            return Err(ProofError::WrongLength);
        }
        if hash == root {
            Ok(())
        } else {
            Err(ProofError::RootMismatch)
        }
    }
}

/// Climbs past the levels where the rightmost node has no sibling and is carried up as it is.
pub(super) fn skip_lone_levels(node: u64, last: u64) -> (u64, u64) {
    let lone = if node == 0 { 0 } else { node.trailing_zeros() };
    (node >> lone, last >> lone)
}

/// The ranges beside the way from the root down to the leaf.
fn siblings_from_root(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut start, mut end) = (0, size);
    let mut siblings = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((start, middle));
            start = middle;
        }
    }
    siblings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_trees_need_63_hashes_at_most() {
        for (index, size) in [
            (0, MAX_SIZE),
            (MAX_SIZE - 1, MAX_SIZE),
            (0, MAX_SIZE - 1),
            (1 << 62, MAX_SIZE - 1),
        ] {
            let proof = InclusionPlan::new(index, size)
                .unwrap()
                .prove(|_| Some(Hash([7; 32])))
                .unwrap();
            assert!(proof.hashes.len() <= super::super::MAX_PROOF_HASHES);
            assert_eq!(
                proof.verify(Hash([0; 32]), index, size, Hash([0; 32])),
                Err(ProofError::RootMismatch)
            );
        }
    }

    #[test]
    fn out_of_range_has_no_plan() {
        assert_eq!(
            InclusionPlan::new(0, 0),
            Err(PlanError::IndexOutOfRange { index: 0, size: 0 })
        );
        assert_eq!(
            InclusionPlan::new(5, 5),
            Err(PlanError::IndexOutOfRange { index: 5, size: 5 })
        );
        assert_eq!(
            InclusionPlan::new(0, u64::MAX),
            Err(PlanError::SizeTooLarge { size: u64::MAX })
        );
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let proof = InclusionProof {
            hashes: vec![Hash([1; 32]); 70],
        };
        for (index, size) in [
            (0, 0),
            (0, u64::MAX),
            (u64::MAX - 1, u64::MAX),
            (u64::MAX, u64::MAX),
        ] {
            assert!(proof.verify(Hash([0; 32]), index, size, Hash([0; 32])).is_err());
        }
    }
}
