//! One store of hashes, under our coordinates and read by the oracle under its own.

use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::proof::{ConsistencyPlan, ConsistencyProof, InclusionPlan, InclusionProof};
use cyberid_tlog::tree::{Frontier, RootPlan};
use tlog_tiles::tlog::{self, HashReader};

/// Every complete node of a tree, level by level.
pub(crate) struct Store(Vec<Vec<Hash>>);

/// The entry at this index.
pub(crate) fn entry(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

impl Store {
    /// The tree of this many entries, as our sequencer would store it.
    pub(crate) fn new(size: u64) -> Self {
        let (mut frontier, mut levels) = (Frontier::new(), vec![Vec::new(); 64]);
        for index in 0..size {
            for done in frontier.append(leaf_hash(&entry(index))).unwrap() {
                levels[usize::from(done.node.level())].push(done.hash);
            }
        }
        Self(levels)
    }

    pub(crate) fn lookup(&self, node: Node) -> Option<Hash> {
        let level = self.0.get(usize::from(node.level()))?;
        level.get(usize::try_from(node.index()).ok()?).copied()
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        RootPlan::new(size)
            .unwrap()
            .root(|node| self.lookup(node))
            .unwrap()
    }

    pub(crate) fn inclusion(&self, index: u64, size: u64) -> InclusionProof {
        let plan = InclusionPlan::new(index, size).unwrap();
        plan.prove(|node| self.lookup(node)).unwrap()
    }

    pub(crate) fn consistency(&self, old: u64, new: u64) -> ConsistencyProof {
        let plan = ConsistencyPlan::new(old, new).unwrap();
        plan.prove(|node| self.lookup(node)).unwrap()
    }
}

impl HashReader for Store {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let read = |&index: &u64| {
            let (level, index) = tlog::split_stored_hash_index(index);
            theirs(self.lookup(Node::new(level, index).unwrap()).unwrap())
        };
        Ok(indexes.iter().map(read).collect())
    }
}

pub(crate) fn theirs(hash: Hash) -> tlog::Hash {
    tlog::Hash(hash.0)
}

pub(crate) fn ours(hashes: &[tlog::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

pub(crate) fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
