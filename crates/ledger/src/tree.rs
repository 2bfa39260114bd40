//! The tree as the sequencer holds it: the right edge, and the tiles on it that are not full.

use std::collections::{BTreeMap, BTreeSet};

use cyberid_storage::StorageError;
use cyberid_storage::ledger::{LedgerRead, StoredTile};
use cyberid_tlog::hash::{HASH_LEN, Hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::tile::{FULL_WIDTH, TILE_HEIGHT, TileCoord, TileKind, new_tiles, tile_node_hash};
use cyberid_tlog::tree::{CompletedNode, Frontier, RootPlan, TreeFull};

/// The tile levels that a tree of `1 << 63` leaves has.
const LEVELS: u8 = 8;

/// A growing tree with the tiles that its next leaves go into.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    frontier: Frontier,
    edge: BTreeMap<TileCoord, Vec<u8>>,
}

impl Tree {
    /// The tree of the first `size` leaves, from the stored tiles; `None` when they do not make one up.
    pub(crate) async fn load(store: &dyn LedgerRead, size: u64) -> Result<Option<Self>, StorageError> {
        let Ok(plan) = RootPlan::new(size) else {
            return Ok(None);
        };
        let hashes = node_hashes(store, plan.nodes()).await?;
        let Ok(frontier) = plan.frontier(|node| hashes.get(&node).copied()) else {
            return Ok(None);
        };
        let edge = load_edge(store, size).await?;
        Ok(edge.map(|edge| Self { frontier, edge }))
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends a leaf; tiles that it completes stay until [`Tree::settle`].
    pub(crate) fn append(&mut self, leaf: Hash) -> Result<(), TreeFull> {
        for CompletedNode { node, hash } in self.frontier.append(leaf)? {
            if node.level().is_multiple_of(TILE_HEIGHT) {
                let tile = self.edge.entry(node.tile().0).or_default();
                tile.extend_from_slice(hash.as_bytes());
            }
        }
        Ok(())
    }

    /// The tiles that have changed since the tree had `old` leaves, whole.
    pub(crate) fn changed_since(&self, old: u64) -> Vec<StoredTile> {
        new_tiles(old, self.size())
            .filter_map(|path| {
                let TileKind::Hashes { level } = path.kind() else {
                    return None;
                };
                let index = path.index();
                let hashes = self.edge.get(&TileCoord { level, index })?.clone();
                Some(StoredTile { level, index, hashes })
            })
            .collect()
    }

    /// Forgets the tiles that are full and stored.
    pub(crate) fn settle(&mut self) {
        self.edge.retain(|_, tile| tile.len() < bytes_of(FULL_WIDTH));
    }
}

/// The hashes of these nodes as far as the stored tiles have them; each tile is read once.
pub(crate) async fn node_hashes(
    store: &dyn LedgerRead,
    nodes: &[Node],
) -> Result<BTreeMap<Node, Hash>, StorageError> {
    let places: BTreeSet<_> = nodes.iter().map(|node| node.tile().0).collect();
    let mut tiles = BTreeMap::new();
    for place in places {
        if let Some(tile) = store.tile(place.level, place.index).await? {
            tiles.insert(place, tile.hashes);
        }
    }
    let hash = |&node: &Node| Some((node, tile_node_hash(tiles.get(&node.tile().0)?, node)?));
    Ok(nodes.iter().filter_map(hash).collect())
}

/// The first `width` hashes of a stored tile, which may have grown since; `None` when it has not so many.
pub(crate) fn first_hashes(tile: &StoredTile, width: u16) -> Option<Vec<u8>> {
    tile.hashes.get(..bytes_of(width)).map(<[u8]>::to_vec)
}

async fn load_edge(
    store: &dyn LedgerRead,
    size: u64,
) -> Result<Option<BTreeMap<TileCoord, Vec<u8>>>, StorageError> {
    let mut edge = BTreeMap::new();
    for level in 0..LEVELS {
        let index = size
            .checked_shr(u32::from(TILE_HEIGHT * (level + 1)))
            .unwrap_or(0);
        let place = TileCoord { level, index };
        let width = place.width(size);
        if width == 0 {
            continue;
        }
        let tile = store.tile(level, index).await?;
        let Some(hashes) = tile.and_then(|tile| first_hashes(&tile, width)) else {
            return Ok(None);
        };
        edge.insert(place, hashes);
    }
    Ok(Some(edge))
}

fn bytes_of(width: u16) -> usize {
    usize::from(width) * HASH_LEN
}
