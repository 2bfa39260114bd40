//! The ranges of leaves whose tree hashes make up a proof.

use super::MissingNode;
use crate::hash::Hash;
use crate::node::{Node, cover, fold};

/// The hashes of a proof to be, each as the complete subtrees it is folded from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans {
    nodes: Vec<Node>,
    lengths: Vec<usize>,
}

impl Spans {
    /// Takes the ranges in the order of the proof.
    pub(super) fn new(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut spans = Self::default();
        for (start, end) in ranges {
            let nodes = cover(start, end);
            spans.lengths.push(nodes.len());
            spans.nodes.extend(nodes);
        }
        spans
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The tree hash of each range, from the hashes of the nodes.
    pub(super) fn evaluate(
        &self,
        mut lookup: impl FnMut(Node) -> Option<Hash>,
    ) -> Result<Vec<Hash>, MissingNode> {
        let mut nodes = self.nodes.iter();
        let mut proof = Vec::with_capacity(self.lengths.len());
        for &length in &self.lengths {
            let parts = nodes
                .by_ref()
                .take(length)
                .map(|&node| lookup(node).ok_or(MissingNode { node }));
            proof.extend(fold(&parts.collect::<Result<Vec<_>, _>>()?));
        }
        Ok(proof)
    }
}
