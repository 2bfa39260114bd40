//! Nodes of the tree, from stored tiles.

use std::collections::{BTreeMap, BTreeSet};

use cyberid_storage_read::StorageError;
use cyberid_storage_read::ledger::{LedgerRead, StoredTile};
use cyberid_tlog::hash::{HASH_LEN, Hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::tile::tile_node_hash;

/// The hashes of these nodes as far as the stored tiles have them; each tile is read once.
pub async fn node_hashes(
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
pub fn first_hashes(tile: &StoredTile, width: u16) -> Option<Vec<u8>> {
    tile.hashes
        .get(..usize::from(width) * HASH_LEN)
        .map(<[u8]>::to_vec)
}
