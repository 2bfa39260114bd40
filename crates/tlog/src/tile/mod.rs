//! Tiles: the tree cut into stored pieces of height eight (C2SP tlog-tiles).

mod bundle;
mod path;

pub use bundle::{BundleError, MAX_ENTRY_LEN, decode_bundle, encode_bundle};
pub use path::{PathError, TileKind, TilePath};
use thiserror::Error;

use crate::hash::{HASH_LEN, Hash, node_hash};
use crate::node::{MAX_SIZE, Node};

/// The height of a tile in tree levels.
pub const TILE_HEIGHT: u8 = 8;

/// The hashes in a full tile, and the entries in a full bundle (tlog-tiles, Merkle Tree).
pub const FULL_WIDTH: u16 = 256;

/// The highest tile level a tree of [`MAX_SIZE`] leaves has.
const MAX_TILE_LEVEL: u8 = 7;

/// The place of a hash tile: its level and its index in that level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileCoord {
    /// The level of the tile; its hashes are nodes of height `8 * level`.
    pub level: u8,
    /// The position among the tiles of its level, from 0.
    pub index: u64,
}

/// A complete subtree inside a tile: the `1 << height` hashes from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subtree {
    /// The number of levels above the tile's own hashes, 0 to 7.
    pub height: u8,
    /// The place of its first hash in the tile.
    pub first: u8,
}

impl Node {
    /// The tile that holds this node, and where in it.
    pub fn tile(self) -> (TileCoord, Subtree) {
        let height = self.level() % TILE_HEIGHT;
        let index = self.index() >> (TILE_HEIGHT - height);
        // The low byte is the place within the tile.
        let [.., first] = (self.index() << height).to_be_bytes();
        (
            TileCoord {
                level: self.level() / TILE_HEIGHT,
                index,
            },
            Subtree { height, first },
        )
    }
}

impl TileCoord {
    /// The number of hashes this tile has in a tree of `size` leaves, 0 to 256 (tlog-tiles, Partial Tiles).
    pub fn width(self, size: u64) -> u16 {
        if self.level > MAX_TILE_LEVEL {
            return 0;
        }
        let hashes = size >> (TILE_HEIGHT * self.level);
        let before = self.index.saturating_mul(u64::from(FULL_WIDTH));
        u16::try_from(hashes.saturating_sub(before))
            .unwrap_or(u16::MAX)
            .min(FULL_WIDTH)
    }

    /// The path of this tile, full or partial, in a tree of `size` leaves; `None` when the tree has no such tile.
    pub fn path(self, size: u64) -> Option<TilePath> {
        TilePath::new(
            TileKind::Hashes { level: self.level },
            self.index,
            self.width(size),
        )
    }
}

/// The hash tiles that a tree of `new` leaves has and one of `old` leaves has not, or has narrower.
///
/// These are what a log writes before it publishes a checkpoint of size `new` (tlog-tiles, Partial Tiles).
pub fn new_tiles(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    (0..=MAX_TILE_LEVEL).flat_map(move |level| {
        let (had, has) = (old >> (TILE_HEIGHT * level), new >> (TILE_HEIGHT * level));
        let first = had / u64::from(FULL_WIDTH);
        let end = if has > had {
            has.div_ceil(u64::from(FULL_WIDTH))
        } else {
            first
        };
        (first..end).filter_map(move |index| TileCoord { level, index }.path(new))
    })
}

/// The hashes of a tile, full or partial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile(Vec<Hash>);

/// Why bytes are not the tile they were fetched as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TileError {
    /// The bytes are not exactly as many hashes as the tile is wide.
    #[error("a tile of {width} hashes does not have {len} bytes")]
    WrongLength {
        /// The width asked for, in hashes.
        width: u16,
        /// The length found, in bytes.
        len: usize,
    },
}

impl Tile {
    /// Reads a tile of `width` hashes, 1 to 256 (tlog-tiles, Merkle Tree).
    pub fn parse(bytes: &[u8], width: u16) -> Result<Self, TileError> {
        let expected = usize::from(width) * HASH_LEN;
        if width == 0 || width > FULL_WIDTH || bytes.len() != expected {
            return Err(TileError::WrongLength {
                width,
                len: bytes.len(),
            });
        }
        let (hashes, _) = bytes.as_chunks::<HASH_LEN>();
        Ok(Self(hashes.iter().copied().map(Hash).collect()))
    }

    /// Takes the hashes of a tile, 1 to 256 of them.
    pub fn from_hashes(hashes: Vec<Hash>) -> Option<Self> {
        (1..=usize::from(FULL_WIDTH))
            .contains(&hashes.len())
            .then_some(Self(hashes))
    }

    /// The hashes, from the left.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// The stored form: the hashes one after another.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.0).collect()
    }

    /// The hash of a subtree, rebuilt from the tile's hashes; `None` when the tile is too narrow for it.
    pub fn subtree_hash(&self, subtree: Subtree) -> Option<Hash> {
        let len = 1_usize.checked_shl(u32::from(subtree.height))?;
        let first = usize::from(subtree.first);
        let mut row = self.0.get(first..first.checked_add(len)?)?.to_vec();
        while row.len() > 1 {
            let (pairs, _) = row.as_chunks::<2>();
            row = pairs
                .iter()
                .map(|&[left, right]| node_hash(left, right))
                .collect();
        }
        row.first().copied()
    }
}

/// The hash of `node`, read from the bytes of the tile that holds it; `None` when it is not within those bytes.
pub fn tile_node_hash(tile: &[u8], node: Node) -> Option<Hash> {
    let width = u16::try_from(tile.len() / HASH_LEN).ok()?;
    Tile::parse(tile, width).ok()?.subtree_hash(node.tile().1)
}

const _: () = assert!(MAX_SIZE >> (TILE_HEIGHT * MAX_TILE_LEVEL) <= 256);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::tree::{Frontier, RootPlan};

    fn widths(size: u64, level: u8) -> (u64, u16) {
        let full = (0..1_000)
            .take_while(|&index| TileCoord { level, index }.width(size) == FULL_WIDTH)
            .count() as u64;
        (full, TileCoord { level, index: full }.width(size))
    }

    #[test]
    fn widths_are_those_of_the_specification() {
        assert_eq!(
            [0, 1, 2, 3].map(|level| widths(70_000, level)),
            [(273, 112), (1, 17), (0, 1), (0, 0)]
        );
        assert_eq!(
            [0, 1, 2].map(|level| widths(256, level)),
            [(1, 0), (0, 1), (0, 0)]
        );
        assert_eq!(
            TileCoord {
                level: 0,
                index: u64::MAX
            }
            .width(MAX_SIZE),
            0
        );
        assert_eq!(TileCoord { level: 63, index: 0 }.width(MAX_SIZE), 0);
        assert_eq!(TileCoord { level: 7, index: 0 }.width(MAX_SIZE), 128);
    }

    #[test]
    fn new_tiles_are_those_that_grew() {
        let paths = |old, new| {
            new_tiles(old, new)
                .map(|path| path.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(paths(0, 0), [""; 0]);
        assert_eq!(paths(0, 1), ["tile/0/000.p/1"]);
        assert_eq!(paths(255, 256), ["tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(paths(256, 256), [""; 0]);
        assert_eq!(
            paths(250, 520),
            ["tile/0/000", "tile/0/001", "tile/0/002.p/8", "tile/1/000.p/2"]
        );
        assert_eq!(paths(5, 4), [""; 0]);
    }

    #[test]
    fn every_node_is_found_in_its_tile() {
        let size = 70_000_u64;
        let mut frontier = Frontier::new();
        let mut rows: std::collections::BTreeMap<TileCoord, Vec<Hash>> = std::collections::BTreeMap::new();
        let mut completed = Vec::new();
        for i in 0..size {
            for done in frontier.append(leaf_hash(&i.to_be_bytes())).unwrap() {
                if done.node.level() % TILE_HEIGHT == 0 {
                    rows.entry(done.node.tile().0).or_default().push(done.hash);
                }
                completed.push(done);
            }
        }
        let tiles: std::collections::BTreeMap<_, _> = rows
            .into_iter()
            .map(|(coord, row)| (coord, Tile::from_hashes(row).unwrap()))
            .collect();
        assert!(
            tiles
                .iter()
                .all(|(coord, tile)| usize::from(coord.width(size)) == tile.hashes().len())
        );
        for done in completed
            .iter()
            .rev()
            .take(3_000)
            .chain(completed.iter().filter(|done| done.node.level() > 5))
        {
            let (coord, _) = done.node.tile();
            assert_eq!(
                tile_node_hash(&tiles[&coord].to_bytes(), done.node),
                Some(done.hash),
                "{:?}",
                done.node
            );
        }
        let plan = RootPlan::new(size).unwrap();
        let root = plan
            .root(|node| tiles.get(&node.tile().0)?.subtree_hash(node.tile().1))
            .unwrap();
        assert_eq!(root, frontier.root());
    }

    #[test]
    fn a_tile_is_as_long_as_it_is_wide() {
        let tile = Tile::from_hashes(vec![leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]).unwrap();
        assert_eq!(Tile::parse(&tile.to_bytes(), 3), Ok(tile.clone()));
        for (width, len) in [(2, 96), (4, 96), (3, 95), (0, 0), (257, 257 * 32)] {
            let bytes = vec![0; len];
            assert_eq!(
                Tile::parse(&bytes, width),
                Err(TileError::WrongLength { width, len })
            );
        }
        assert_eq!(Tile::from_hashes(vec![]), None);
        assert_eq!(Tile::from_hashes(vec![leaf_hash(b""); 257]), None);
        assert_eq!(tile.subtree_hash(Subtree { height: 1, first: 2 }), None);
        assert_eq!(
            tile.subtree_hash(Subtree {
                height: 255,
                first: 0
            }),
            None
        );
        assert_eq!(tile_node_hash(&[0; 33], Node::new(0, 0).unwrap()), None);
    }
}
