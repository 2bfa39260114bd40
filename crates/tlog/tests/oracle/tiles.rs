//! Tiles: their paths, their contents, and a tree read out of nothing else.

use cyberid_tlog::node::Node;
use cyberid_tlog::tile::{FULL_WIDTH, Tile, TileKind, TilePath, new_tiles, tile_node_hash};
use tlog_tiles::tile::{Tile as TheirTile, TileHashReader, TileReader};
use tlog_tiles::tlog::{self, Error};

use crate::store::{Store, ours, theirs};

const SIZE: u64 = 70_000;

/// The path of their tile in the form of tlog-tiles: the Go checksum database's also names the height and calls entries data.
fn path(tile: &TheirTile) -> String {
    let path = tile.path();
    let path = path.strip_prefix("tile/8/").unwrap();
    format!("tile/{}", path.replace("data/", "entries/"))
}

/// A tile as ours are served.
fn served(store: &Store, path: TilePath) -> Vec<u8> {
    let TileKind::Hashes { level } = path.kind() else {
        panic!("{path} holds entries");
    };
    let first = path.index() * u64::from(FULL_WIDTH);
    let hash = |index| store.lookup(Node::new(8 * level, index).unwrap()).unwrap();
    let hashes = (first..first + u64::from(path.width())).map(hash).collect();
    Tile::from_hashes(hashes).unwrap().to_bytes()
}

/// Reads tiles as a client of our log would.
struct Client<'s>(&'s Store);

impl TileReader for Client<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[TheirTile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile| served(self.0, path(tile).parse().unwrap());
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[TheirTile], _: &[Vec<u8>]) {}
}

#[test]
fn paths_agree() {
    for (level, index, width, entries) in [
        (0, 0, 256, false),
        (0, 1_234_067, 256, false),
        (3, 999, 1, false),
        (63, 1_000, 255, false),
        (0, 0, 7, true),
        (0, 1_000_000_000, 256, true),
        (0, u64::from(u32::MAX), 17, true),
    ] {
        let their = path(&TheirTile::new(8, level, index, width, entries));
        let kind = if entries {
            TileKind::Entries
        } else {
            TileKind::Hashes { level }
        };
        let our = TilePath::new(kind, index, u16::try_from(width).unwrap()).unwrap();
        assert_eq!(our.to_string(), their);
        assert_eq!(their.parse(), Ok(our));
    }
}

#[test]
fn new_tiles_agree() {
    for (old, new) in [
        (0, 1),
        (0, 256),
        (255, 257),
        (256, 256),
        (1, 70_000),
        (65_535, 65_537),
        (70_000, 140_001),
    ] {
        let mut their = TheirTile::new_tiles(8, old, new);
        their.sort_unstable_by_key(|tile| (tile.level(), tile.level_index()));
        let our: Vec<_> = new_tiles(old, new).map(|path| path.to_string()).collect();
        assert_eq!(our, their.iter().map(path).collect::<Vec<_>>(), "{old} {new}");
    }
}

#[test]
fn contents_agree() {
    let store = Store::new(SIZE);
    let tiles = TheirTile::new_tiles(8, 0, SIZE);
    // tlog-tiles, Partial Tiles: 273 + 1 + 1 + 1 + 1 for a tree of this size.
    assert_eq!(tiles.len(), 277);
    for tile in tiles {
        let our = served(&store, path(&tile).parse().unwrap());
        assert_eq!(tile.read_data(&store).unwrap(), our, "{}", path(&tile));
    }
}

#[test]
fn nodes_inside_a_tile_agree() {
    let store = Store::new(SIZE);
    for (level, index) in [(0, 0), (0, 69_999), (3, 5), (7, 545), (8, 272), (11, 33), (16, 0)] {
        let node = Node::new(level, index).unwrap();
        let stored = tlog::stored_hash_index(level, index);
        let tile = TheirTile::from_index(8, stored);
        let bytes = served(&store, path(&tile).parse().unwrap());
        let their = tile.hash_at_index(&bytes, stored).unwrap();
        assert_eq!(tile_node_hash(&bytes, node).map(theirs), Some(their));
        assert_eq!(store.lookup(node).map(theirs), Some(their));
    }
}

#[test]
fn their_client_proves_from_our_tiles_what_we_prove() {
    let store = Store::new(SIZE);
    let client = Client(&store);
    let reader = TileHashReader::new(SIZE, theirs(store.root(SIZE)), &client);
    for (index, old) in [(0, 1), (255, 256), (65_536, 65_535), (69_999, 69_999)] {
        let proof = tlog::prove_record(SIZE, index, &reader).unwrap();
        assert_eq!(ours(&proof), store.inclusion(index, SIZE).hashes);
        let proof = tlog::prove_tree(SIZE, old, &reader).unwrap();
        assert_eq!(ours(&proof), store.consistency(old, SIZE).hashes);
    }
    let forged = TileHashReader::new(SIZE, theirs(store.root(SIZE - 1)), &client);
    assert!(tlog::prove_record(SIZE, 0, &forged).is_err());
}
