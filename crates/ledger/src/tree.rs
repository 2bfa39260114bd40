//! The tree as it grows: the right edge, which the sequencer holds, and the tiles on it that are not full, which the
//! publisher does.

use std::collections::BTreeMap;

use cyberid_ledger_read::tiles::{first_hashes, node_hashes};
use cyberid_storage::StorageError;
use cyberid_storage::ledger::{LedgerRead, StoredTile};
use cyberid_tlog::hash::{HASH_LEN, Hash};
use cyberid_tlog::tile::{FULL_WIDTH, TILE_HEIGHT, TileCoord, TileKind, new_tiles};
use cyberid_tlog::tree::{CompletedNode, Frontier, RootPlan, TreeFull};

/// The tile levels that a tree of `1 << 63` leaves has.
const LEVELS: u8 = 8;

/// The tiles that the next leaves go into.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    size: u64,
    tiles: BTreeMap<TileCoord, Vec<u8>>,
}

impl Edge {
    /// The number of leaves in them and before them.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the nodes that leaves up to `size` completed; returns the tiles that have changed, whole.
    pub(crate) fn grow(&mut self, size: u64, nodes: &[CompletedNode]) -> Vec<StoredTile> {
        for CompletedNode { node, hash } in nodes {
            let tile = self.tiles.entry(node.tile().0).or_default();
            tile.extend_from_slice(hash.as_bytes());
        }
        let changed = new_tiles(self.size, size).filter_map(|path| {
            let TileKind::Hashes { level } = path.kind() else {
                return None;
            };
            let index = path.index();
            let hashes = self.tiles.get(&TileCoord { level, index })?.clone();
            Some(StoredTile { level, index, hashes })
        });
        let changed = changed.collect();
        self.size = size;
        self.tiles.retain(|_, tile| tile.len() < bytes_of(FULL_WIDTH));
        changed
    }
}

/// The tree of the first `size` leaves, from the stored tiles; `None` when they do not make one up.
pub(crate) async fn load(
    store: &dyn LedgerRead,
    size: u64,
) -> Result<Option<(Frontier, Edge)>, StorageError> {
    let Ok(plan) = RootPlan::new(size) else {
        return Ok(None);
    };
    let hashes = node_hashes(store, plan.nodes()).await?;
    let Ok(frontier) = plan.frontier(|node| hashes.get(&node).copied()) else {
        return Ok(None);
    };
    let tiles = load_edge(store, size).await?;
    Ok(tiles.map(|tiles| (frontier, Edge { size, tiles })))
}

/// Appends a leaf, and notes the nodes that tiles hold of those it completes.
pub(crate) fn append(
    frontier: &mut Frontier,
    leaf: Hash,
    nodes: &mut Vec<CompletedNode>,
) -> Result<(), TreeFull> {
    let completed = frontier.append(leaf)?.into_iter();
    nodes.extend(completed.filter(|completed| completed.node.level().is_multiple_of(TILE_HEIGHT)));
    Ok(())
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
