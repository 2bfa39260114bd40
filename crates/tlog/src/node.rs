//! The coordinates of complete subtrees, and how a range of leaves is covered by them.

use crate::hash::{Hash, node_hash};

/// The largest tree this crate plans for, in leaves: no index, end or height can then overflow.
pub const MAX_SIZE: u64 = 1 << 63;

/// The coordinates of one complete subtree: the leaves from `index << level` on, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    level: u8,
    index: u64,
}

impl Node {
    /// Names the `index`th complete subtree of height `level`; `None` when it reaches past [`MAX_SIZE`] leaves.
    pub fn new(level: u8, index: u64) -> Option<Self> {
        let count_at_level = MAX_SIZE.checked_shr(u32::from(level)).unwrap_or(0);
        (index < count_at_level).then_some(Self { level, index })
    }

    /// The height of the subtree; 0 for a leaf.
    pub fn level(self) -> u8 {
        self.level
    }

    /// The position among the subtrees of its height, from the left, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// The index of the first leaf under this node.
    pub fn first_leaf(self) -> u64 {
        self.index << self.level
    }

    /// The index of the leaf just after the last one under this node.
    pub fn end(self) -> u64 {
        (self.index + 1) << self.level
    }

    /// The node above this one; `None` at the very top.
    pub fn parent(self) -> Option<Self> {
        Self::new(self.level + 1, self.index >> 1)
    }
}

/// The complete subtrees, from left to right, whose leaves are `start..end`.
///
/// `start..end` must be a range that RFC 6962 section 2.1 hashes as one tree: `start` a multiple of the smallest power
/// of two that is at least `end - start`. The bits of the length, from the highest, are then the levels.
pub(crate) fn cover(start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut position = start;
    while let Some(level) = (end - position).checked_ilog2() {
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        nodes.push(Node {
            level,
            index: position >> level,
        });
        position += 1 << level;
    }
    nodes
}

/// Hashes adjacent subtrees of falling height into the tree they make up; `None` when there are none.
pub(crate) fn fold(hashes: &[Hash]) -> Option<Hash> {
    hashes
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(left, right))
}

/// The largest power of two smaller than `width`, where RFC 6962 section 2.1 splits a tree of `width >= 2` leaves.
pub(crate) fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_follow_the_bits_of_the_length() {
        let levels = |n| {
            cover(0, n)
                .iter()
                .map(|node| (node.level, node.index))
                .collect::<Vec<_>>()
        };
        assert_eq!(levels(0), []);
        assert_eq!(levels(1), [(0, 0)]);
        assert_eq!(levels(7), [(2, 0), (1, 2), (0, 6)]);
        assert_eq!(levels(8), [(3, 0)]);
        assert_eq!(levels(MAX_SIZE), [(63, 0)]);
        assert_eq!(levels(MAX_SIZE - 1).len(), 63);
        assert_eq!(
            cover(8, 11),
            [Node { level: 1, index: 4 }, Node { level: 0, index: 10 }]
        );
    }

    #[test]
    fn a_node_stays_within_the_largest_tree() {
        assert!(Node::new(0, MAX_SIZE - 1).is_some());
        assert_eq!(Node::new(0, MAX_SIZE), None);
        assert_eq!(Node::new(63, 0).map(Node::end), Some(MAX_SIZE));
        assert_eq!(Node::new(63, 1), None);
        assert_eq!(Node::new(64, 0), None);
        assert_eq!(Node::new(255, 0), None);
        assert_eq!(Node::new(63, 0).and_then(Node::parent), None);
        assert_eq!(Node::new(3, 5).and_then(Node::parent), Node::new(4, 2));
    }

    #[test]
    fn splits_below_the_width() {
        assert_eq!([2, 3, 4, 5, 8, 9].map(split), [1, 2, 2, 4, 4, 8]);
    }
}
