//! A growing tree held as its right edge: as many hashes as the size has one-bits.

use thiserror::Error;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::node::{MAX_SIZE, Node, cover, fold};
use crate::proof::{MissingNode, PlanError};

/// The right edge of a tree: the roots of the complete subtrees that the tree of this size is made of.
///
/// This is all a sequencer has to hold; every node it completes is handed out once, to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

/// A node that has just become complete, with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedNode {
    /// Where the node is.
    pub node: Node,
    /// The Merkle tree hash of the leaves under it.
    pub hash: Hash,
}

/// The tree already has [`MAX_SIZE`] leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the tree is full")]
pub struct TreeFull;

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle tree hash of all leaves (RFC 6962 section 2.1).
    pub fn root(&self) -> Hash {
        fold(&self.edge).unwrap_or(EMPTY_ROOT)
    }

    /// Appends one leaf and returns the nodes it completes, the leaf itself first, each the child of the next.
    pub fn append(&mut self, leaf: Hash) -> Result<Vec<CompletedNode>, TreeFull> {
        let mut node = Node::new(0, self.size).ok_or(TreeFull)?;
        let mut completed = vec![CompletedNode { node, hash: leaf }];
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let (Some(left), Some(parent)) = (self.edge.pop(), node.parent()) else {
                break;
            };
            (node, hash) = (parent, node_hash(left, hash));
            completed.push(CompletedNode { node, hash });
        }
        self.edge.push(hash);
        self.size += 1;
        Ok(completed)
    }
}

/// Which stored nodes make up the tree of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootPlan {
    size: u64,
    nodes: Vec<Node>,
}

impl RootPlan {
    /// Plans the tree of `size` leaves, at most [`MAX_SIZE`].
    pub fn new(size: u64) -> Result<Self, PlanError> {
        if size > MAX_SIZE {
            return Err(PlanError::SizeTooLarge { size });
        }
        Ok(Self {
            size,
            nodes: cover(0, size),
        })
    }

    /// The nodes whose hashes are needed.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The root, from the hashes of the planned nodes.
    pub fn root(&self, lookup: impl FnMut(Node) -> Option<Hash>) -> Result<Hash, MissingNode> {
        self.frontier(lookup).map(|frontier| frontier.root())
    }

    /// The right edge to append to, from the hashes of the planned nodes.
    pub fn frontier(&self, mut lookup: impl FnMut(Node) -> Option<Hash>) -> Result<Frontier, MissingNode> {
        let edge = self
            .nodes
            .iter()
            .map(|&node| lookup(node).ok_or(MissingNode { node }));
        Ok(Frontier {
            size: self.size,
            edge: edge.collect::<Result<_, _>>()?,
        })
    }
}

/// The root over leaf hashes in order, for whoever holds every leaf.
pub fn root_from_leaves(leaves: impl IntoIterator<Item = Hash>) -> Result<Hash, TreeFull> {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(leaf)?;
    }
    Ok(frontier.root())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn appending_completes_each_node_once() {
        let mut frontier = Frontier::new();
        let mut seen = std::collections::BTreeMap::new();
        for i in 0..64_u64 {
            for CompletedNode { node, hash } in frontier.append(leaf_hash(&i.to_be_bytes())).unwrap() {
                assert_eq!(node.end(), i + 1);
                assert_eq!(seen.insert(node, hash), None);
            }
        }
        assert_eq!(seen.len(), 127);
        assert_eq!(seen[&Node::new(6, 0).unwrap()], frontier.root());
    }

    #[test]
    fn a_rebuilt_frontier_goes_on_as_the_first() {
        let mut frontier = Frontier::new();
        let mut stored = std::collections::BTreeMap::new();
        for i in 0..40_u64 {
            let plan = RootPlan::new(i).unwrap();
            assert_eq!(
                plan.frontier(|node| stored.get(&node).copied()).unwrap(),
                frontier
            );
            assert_eq!(
                plan.root(|node| stored.get(&node).copied()).unwrap(),
                frontier.root()
            );
            let completed = frontier.append(leaf_hash(&i.to_be_bytes())).unwrap();
            stored.extend(completed.into_iter().map(|c| (c.node, c.hash)));
        }
    }

    #[test]
    fn a_full_tree_takes_no_more() {
        let plan = RootPlan::new(MAX_SIZE).unwrap();
        let mut full = plan.frontier(|_| Some(leaf_hash(b""))).unwrap();
        assert_eq!(full.append(leaf_hash(b"")), Err(TreeFull));
        let mut nearly = RootPlan::new(MAX_SIZE - 1)
            .unwrap()
            .frontier(|_| Some(leaf_hash(b"")))
            .unwrap();
        assert_eq!(nearly.append(leaf_hash(b"")).unwrap().len(), 64);
        assert_eq!(
            RootPlan::new(MAX_SIZE + 1),
            Err(PlanError::SizeTooLarge { size: MAX_SIZE + 1 })
        );
    }

    #[test]
    fn a_missing_node_is_named() {
        let node = Node::new(1, 0).unwrap();
        assert_eq!(
            RootPlan::new(3).unwrap().root(|_| None),
            Err(MissingNode { node })
        );
    }
}
