//! Merkle consistency proofs (RFC 6962 section 2.1.2).

use super::inclusion::skip_lone_levels;
use super::spans::Spans;
use super::{MissingNode, PlanError, ProofError};
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::node::{MAX_SIZE, Node, split};

/// Which stored nodes prove that a tree only grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyPlan(Spans);

impl ConsistencyPlan {
    /// Plans `PROOF(old, D[new])` (RFC 6962 section 2.1.2); no node is needed from the empty tree or between equals.
    pub fn new(old: u64, new: u64) -> Result<Self, PlanError> {
        if new > MAX_SIZE {
            return Err(PlanError::SizeTooLarge { size: new });
        }
        if old > new {
            return Err(PlanError::OldLargerThanNew { old, new });
        }
        if old == 0 {
            return Ok(Self(Spans::default()));
        }
        let mut ranges = ranges_from_root(old, new);
        ranges.reverse();
        Ok(Self(Spans::new(ranges)))
    }

    /// The nodes whose hashes are needed.
    pub fn nodes(&self) -> &[Node] {
        self.0.nodes()
    }

    /// The proof, from the hashes of the planned nodes.
    pub fn prove(&self, lookup: impl FnMut(Node) -> Option<Hash>) -> Result<ConsistencyProof, MissingNode> {
        self.0.evaluate(lookup).map(|hashes| ConsistencyProof { hashes })
    }
}

/// A claim that the leaves of one tree are the first leaves of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The hashes, in the order of RFC 6962 section 2.1.2.
    pub hashes: Vec<Hash>,
}

impl ConsistencyProof {
    /// Checks that the newer tree begins with the older one (RFC 9162 section 2.1.4.2).
    ///
    /// Every tree begins with the empty one, whose root is [`EMPTY_ROOT`]; that, and a tree and itself, take an empty
    /// proof (tlog-witness, add-checkpoint).
    pub fn verify(
        &self,
        old_size: u64,
        old_root: Hash,
        new_size: u64,
        new_root: Hash,
    ) -> Result<(), ProofError> {
        if old_size > new_size {
            return Err(ProofError::OutOfRange);
        }
        if old_size == 0 || old_size == new_size {
            return self.verify_trivial(old_size, old_root, new_size, new_root);
        }
        let (old, new) = self.roots(old_size, old_root, new_size)?;
        if old != old_root {
            return Err(ProofError::OldRootMismatch);
        }
        if new == new_root {
            Ok(())
        } else {
            Err(ProofError::RootMismatch)
        }
    }

    fn verify_trivial(
        &self,
        old_size: u64,
        old_root: Hash,
        new_size: u64,
        new_root: Hash,
    ) -> Result<(), ProofError> {
        if !self.hashes.is_empty() {
            return Err(ProofError::WrongLength);
        }
        if old_size == 0 && old_root != EMPTY_ROOT {
            return Err(ProofError::OldRootMismatch);
        }
        if old_size == new_size && old_root != new_root {
            return Err(ProofError::RootMismatch);
        }
        Ok(())
    }

    /// The roots that the hashes lead to, for `0 < old_size < new_size`.
    fn roots(&self, old_size: u64, old_root: Hash, new_size: u64) -> Result<(Hash, Hash), ProofError> {
        let (mut node, mut last) = (old_size - 1, new_size - 1);
        let complete = node.trailing_ones();
        (node, last) = (node >> complete, last >> complete);

        let mut hashes = self.hashes.iter().copied();
        // A complete old tree is itself the first subtree, and the proof leaves it out.
        let seed = if old_size.is_power_of_two() {
            Some(old_root)
        } else {
            hashes.next()
        };
        let seed = seed.ok_or(ProofError::WrongLength)?;
        let (mut old, mut new) = (seed, seed);
        for hash in hashes {
            if last == 0 {
                return Err(ProofError::WrongLength);
            }
            if node & 1 == 1 || node == last {
                (old, new) = (node_hash(hash, old), node_hash(hash, new));
                (node, last) = skip_lone_levels(node, last);
            } else {
                new = node_hash(new, hash);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        if last == 0 {
            Ok((old, new))
        } else {
            Err(ProofError::WrongLength)
        }
    }
}

/// The ranges of `SUBPROOF(old, D[new], true)`, from the root down, for `0 < old <= new`.
fn ranges_from_root(old: u64, new: u64) -> Vec<(u64, u64)> {
    let (mut start, mut end) = (0, new);
    let mut ranges = Vec::new();
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    // Only where the whole old tree was reached does the verifier know this last hash already.
    if start != 0 {
        ranges.push((start, end));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_fit_have_no_plan() {
        assert_eq!(
            ConsistencyPlan::new(3, 2),
            Err(PlanError::OldLargerThanNew { old: 3, new: 2 })
        );
        assert_eq!(
            ConsistencyPlan::new(0, u64::MAX),
            Err(PlanError::SizeTooLarge { size: u64::MAX })
        );
        assert_eq!(ConsistencyPlan::new(0, 9).unwrap().nodes(), []);
        assert_eq!(ConsistencyPlan::new(9, 9).unwrap().nodes(), []);
    }

    #[test]
    fn trivial_proofs_are_empty() {
        let (root, other) = (Hash([1; 32]), Hash([2; 32]));
        let (empty, full) = (
            ConsistencyProof::default(),
            ConsistencyProof { hashes: vec![root] },
        );
        assert_eq!(empty.verify(0, EMPTY_ROOT, 0, EMPTY_ROOT), Ok(()));
        assert_eq!(
            empty.verify(0, EMPTY_ROOT, 0, root),
            Err(ProofError::RootMismatch)
        );
        assert_eq!(empty.verify(0, EMPTY_ROOT, 5, root), Ok(()));
        assert_eq!(empty.verify(0, root, 5, root), Err(ProofError::OldRootMismatch));
        assert_eq!(full.verify(0, EMPTY_ROOT, 5, root), Err(ProofError::WrongLength));
        assert_eq!(empty.verify(5, root, 5, root), Ok(()));
        assert_eq!(empty.verify(5, root, 5, other), Err(ProofError::RootMismatch));
        assert_eq!(full.verify(5, root, 5, root), Err(ProofError::WrongLength));
        assert_eq!(empty.verify(5, root, 4, root), Err(ProofError::OutOfRange));
    }

    #[test]
    fn the_largest_trees_need_63_hashes_at_most() {
        for (old, new) in [
            (1, MAX_SIZE),
            (MAX_SIZE - 1, MAX_SIZE),
            ((1 << 62) + 1, MAX_SIZE - 1),
            (3, MAX_SIZE),
        ] {
            let proof = ConsistencyPlan::new(old, new)
                .unwrap()
                .prove(|_| Some(Hash([7; 32])))
                .unwrap();
            assert!(
                proof.hashes.len() <= super::super::MAX_PROOF_HASHES + 1,
                "{old} {new} {}",
                proof.hashes.len()
            );
            let refusal = proof.verify(old, Hash([0; 32]), new, Hash([0; 32])).unwrap_err();
            assert!(
                matches!(refusal, ProofError::OldRootMismatch | ProofError::RootMismatch),
                "{refusal:?}"
            );
        }
    }
}
