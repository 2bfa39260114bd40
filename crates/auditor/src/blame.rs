//! Who is at fault where the tiles do not make the signed root: decided by the leaves, every one of which is read.

use std::collections::BTreeMap;

use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::tile::{FULL_WIDTH, Tile, TileKind, TilePath, decode_bundle, new_tiles};
use cyberid_tlog::tree::Frontier;

use crate::bundle::entries_path;
use crate::finding::{AuditFailure, Finding};
use crate::published::wrong;
use crate::source::{LedgerSource, read_tile};

/// The leaf, the tile or the checkpoint that is wrong. Where the leaves make the signed root, some tile is; where they do
/// not, it is the first leaf that differs from its tile, or else the log signed what it does not show.
pub(crate) async fn blame(source: &dyn LedgerSource, checkpoint: &VerifiedCheckpoint) -> AuditFailure {
    let mut rebuilt = Rebuilt::default();
    match rebuilt.read(source, checkpoint.size()).await {
        Ok(()) if rebuilt.tree.root() == checkpoint.root() => {
            rebuilt.wrong_tile(source, checkpoint.size()).await
        }
        Ok(()) => rebuilt.wrong_leaf(checkpoint.size()).into(),
        Err(failure) => failure,
    }
}

/// The tree that the leaves make.
#[derive(Default)]
struct Rebuilt {
    tree: Frontier,
    /// The hashes that tiles hold, by level of tiles.
    rows: BTreeMap<u8, Vec<Hash>>,
    /// The first leaf whose hash is not the one in its tile.
    differing: Option<u64>,
}

impl Rebuilt {
    async fn read(&mut self, source: &dyn LedgerSource, size: u64) -> Result<(), AuditFailure> {
        for path in new_tiles(0, size).filter(|path| path.kind() == TileKind::Hashes { level: 0 }) {
            let expected = published_hashes(source, path).await?;
            let entries = entries_path(path.index(), usize::from(path.width()));
            let (found, bytes) = read_tile(source, entries.ok_or_else(|| wrong(path))?).await?;
            let entries = decode_bundle(&bytes, found.width()).map_err(|_| Finding::Bundle {
                path: found.to_string(),
                first_index: path.index() * u64::from(FULL_WIDTH),
            })?;
            for (entry, expected) in entries.into_iter().zip(expected) {
                self.leaf(leaf_hash(entry), expected)?;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, hash: Hash, expected: Hash) -> Result<(), Finding> {
        let index = self.tree.size();
        if hash != expected {
            self.differing.get_or_insert(index);
        }
        let completed = self
            .tree
            .append(hash)
            .map_err(|_| Finding::Root { size: index })?;
        for done in completed.iter().filter(|done| done.node.level() % 8 == 0) {
            self.rows
                .entry(done.node.level() / 8)
                .or_default()
                .push(done.hash);
        }
        Ok(())
    }

    fn wrong_leaf(&self, size: u64) -> Finding {
        self.differing
            .map_or(Finding::Root { size }, |index| Finding::LeafAltered { index })
    }

    async fn wrong_tile(&self, source: &dyn LedgerSource, size: u64) -> AuditFailure {
        for path in new_tiles(0, size) {
            match published_hashes(source, path).await {
                Ok(hashes) if Some(hashes.as_slice()) == self.hashes(path) => {}
                Ok(_) => return wrong(path).into(),
                Err(failure) => return failure,
            }
        }
        Finding::Root { size }.into()
    }

    /// What a tile has to hold.
    fn hashes(&self, path: TilePath) -> Option<&[Hash]> {
        let TileKind::Hashes { level } = path.kind() else {
            return None;
        };
        let start = usize::try_from(path.index())
            .ok()?
            .checked_mul(usize::from(FULL_WIDTH))?;
        self.rows
            .get(&level)?
            .get(start..start.checked_add(usize::from(path.width()))?)
    }
}

async fn published_hashes(source: &dyn LedgerSource, path: TilePath) -> Result<Vec<Hash>, AuditFailure> {
    let (found, bytes) = read_tile(source, path).await?;
    let tile = Tile::parse(&bytes, found.width()).map_err(|_| wrong(found))?;
    Ok(tile
        .hashes()
        .iter()
        .copied()
        .take(usize::from(path.width()))
        .collect())
}
