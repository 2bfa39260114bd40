//! The public ledger as a reader sees it: the last checkpoint is remembered, and every other one has to agree with it.
//!
//! Against a forked ledger (T13): a platform that shows two readers two logs is found out by whichever of them sees
//! both, since no consistency proof leads from the one to the other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::{EMPTY_ROOT, Hash};
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::{ConsistencyPlan, ConsistencyProof};
use cyberid_tlog::tile::{Tile, TileCoord};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{Client, ClientError};

/// A tree that the log was seen to have signed, as a reader keeps it between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TreeText", into = "TreeText")]
pub struct Tree {
    /// The number of leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
}

impl Default for Tree {
    /// The empty tree: what a reader knows before it has seen anything.
    fn default() -> Self {
        Self {
            size: 0,
            root: EMPTY_ROOT,
        }
    }
}

impl From<&VerifiedCheckpoint> for Tree {
    fn from(checkpoint: &VerifiedCheckpoint) -> Self {
        Self {
            size: checkpoint.size(),
            root: checkpoint.root(),
        }
    }
}

/// Why the ledger is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LedgerRefused {
    /// It could not be read.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The checkpoint is not one that the log signed and the policy accepts.
    #[error("not a checkpoint that the log signed and the policy accepts")]
    Checkpoint,
    /// The published checkpoint is of a smaller tree than one seen before: the log was rolled back.
    #[error("the log shows {shown} leaves and had shown {seen}")]
    RolledBack {
        /// The size that was seen before.
        seen: u64,
        /// The size that is shown now.
        shown: u64,
    },
    /// Two trees that the log signed do not agree: it lies to somebody.
    #[error("the log signed two trees that contradict each other, of {} and of {} leaves", older.size, newer.size)]
    Forked {
        /// The smaller tree.
        older: Tree,
        /// The larger tree.
        newer: Tree,
    },
    /// A tile is not of the form that it should be.
    #[error("a tile is malformed")]
    MalformedTile,
}

/// Reads the ledger, and remembers the largest tree it was shown.
#[derive(Debug)]
pub struct LedgerReader {
    client: Client,
    log: VerifierKey,
    policy: Policy,
    last: Mutex<Tree>,
}

impl LedgerReader {
    /// A reader of the log at `client`'s address that has seen `last` before.
    pub fn new(client: Client, anchors: &Anchors, last: Tree) -> Self {
        Self {
            client,
            log: anchors.ledger.clone(),
            policy: anchors.policy.clone(),
            last: Mutex::new(last),
        }
    }

    /// What to keep, so that the next run remembers.
    pub async fn last(&self) -> Tree {
        *self.last.lock().await
    }

    /// Fetches the published checkpoint, which has to continue the tree that is remembered.
    pub async fn advance(&self) -> Result<Tree, LedgerRefused> {
        let note = self.client.get_bytes("/checkpoint").await?;
        let checkpoint = VerifiedCheckpoint::open(&note, &self.log).map_err(|_| LedgerRefused::Checkpoint)?;
        self.policy
            .satisfied_by(&checkpoint)
            .map_err(|_| LedgerRefused::Checkpoint)?;
        let (seen, shown) = (self.last().await.size, checkpoint.size());
        if shown < seen {
            return Err(LedgerRefused::RolledBack { seen, shown });
        }
        self.admit(&checkpoint).await
    }

    /// Takes a checkpoint that came with a proof: it has to agree with the tree that is remembered, whichever of the
    /// two is older, and the larger one is remembered.
    pub async fn admit(&self, checkpoint: &VerifiedCheckpoint) -> Result<Tree, LedgerRefused> {
        let mut last = self.last.lock().await;
        let seen = Tree::from(checkpoint);
        let (older, newer) = if seen.size < last.size {
            (seen, *last)
        } else {
            (*last, seen)
        };
        self.demand_consistency(older, newer).await?;
        *last = newer;
        Ok(newer)
    }

    async fn demand_consistency(&self, older: Tree, newer: Tree) -> Result<(), LedgerRefused> {
        let proof = if older.size == newer.size {
            ConsistencyProof::default()
        } else {
            self.consistency(older.size, newer.size).await?
        };
        proof
            .verify(older.size, older.root, newer.size, newer.root)
            .map_err(|_| LedgerRefused::Forked { older, newer })
    }

    /// The proof from one size to another, computed from the public tiles. Nothing of the tiles is believed: the
    /// proof holds or it does not.
    async fn consistency(&self, older: u64, newer: u64) -> Result<ConsistencyProof, LedgerRefused> {
        let plan = ConsistencyPlan::new(older, newer).map_err(|_| LedgerRefused::Checkpoint)?;
        let mut tiles = HashMap::new();
        for node in plan.nodes() {
            let (coord, _) = node.tile();
            if let Entry::Vacant(place) = tiles.entry(coord) {
                place.insert(self.tile(coord, newer).await?);
            }
        }
        let hash = |node: cyberid_tlog::node::Node| {
            let (coord, subtree) = node.tile();
            tiles.get(&coord)?.subtree_hash(subtree)
        };
        plan.prove(hash).map_err(|_| LedgerRefused::MalformedTile)
    }

    /// One tile; where a partial one is gone, the full one has taken its place (tlog-tiles, Partial Tiles).
    async fn tile(&self, coord: TileCoord, size: u64) -> Result<Tile, LedgerRefused> {
        let path = coord.path(size).ok_or(LedgerRefused::MalformedTile)?;
        let (path, bytes) = match self.client.get_bytes(&format!("/{path}")).await {
            Err(error) if path.is_partial() && is_absent(&error) => {
                let path = path.full();
                (path, self.client.get_bytes(&format!("/{path}")).await?)
            }
            fetched => (path, fetched?),
        };
        Tile::parse(&bytes, path.width()).map_err(|_| LedgerRefused::MalformedTile)
    }
}

fn is_absent(error: &ClientError) -> bool {
    match error {
        ClientError::Problem(problem) => problem.kind.status() == 404,
        ClientError::Unexpected { status } => *status == 404,
        _ => false,
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeText {
    size: u64,
    root: String,
}

impl From<Tree> for TreeText {
    fn from(tree: Tree) -> Self {
        Self {
            size: tree.size,
            root: tree.root.to_base64(),
        }
    }
}

impl TryFrom<TreeText> for Tree {
    type Error = &'static str;

    fn try_from(text: TreeText) -> Result<Self, Self::Error> {
        let root = Hash::from_base64(&text.root).ok_or("not a hash in base64")?;
        Ok(Self {
            size: text.size,
            root,
        })
    }
}

#[cfg(test)]
mod tests;
