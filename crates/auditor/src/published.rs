//! What a log publishes, believed only as far as its signature reaches: every tile that is given out leads to the root
//! that the log signed and its witnesses cosigned.

use std::collections::BTreeMap;

use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::cosignature::Cosignature;
use cyberid_tlog::hash::{Hash, node_hash};
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{FULL_WIDTH, Tile, TileCoord, TileKind, TilePath, new_tiles};
use cyberid_tlog::tree::RootPlan;

use crate::blame::blame;
use crate::bundle::{Bundle, entries_path};
use crate::finding::{AuditFailure, Finding};
use crate::source::{LedgerSource, read_tile};

/// A log at one signed and witnessed checkpoint.
pub(crate) struct Published<'s> {
    source: &'s dyn LedgerSource,
    checkpoint: VerifiedCheckpoint,
    cosignatures: Vec<Cosignature>,
    /// The partial tiles, one of each level at most: together they make the signed root.
    edge: BTreeMap<u8, Tile>,
    /// The full tile of each level that was read last, with its index.
    tower: BTreeMap<u8, (u64, Tile)>,
}

impl<'s> Published<'s> {
    /// Reads the checkpoint, checks the log's signature and the witnesses' quorum, and that the tiles at the edge of the
    /// tree make the root that was signed.
    pub(crate) async fn open(
        source: &'s dyn LedgerSource,
        log: &VerifierKey,
        policy: &Policy,
    ) -> Result<Self, AuditFailure> {
        let note = source.read("checkpoint").await?;
        let checkpoint = VerifiedCheckpoint::open(&note, log).map_err(Finding::from)?;
        let cosignatures = policy.satisfied_by(&checkpoint).map_err(Finding::from)?;
        let mut published = Self {
            source,
            checkpoint,
            cosignatures,
            edge: BTreeMap::new(),
            tower: BTreeMap::new(),
        };
        published.climb().await?;
        Ok(published)
    }

    pub(crate) fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    pub(crate) fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// The hashes of the tree's right edge are those of the partial tiles, and nobody else's.
    async fn climb(&mut self) -> Result<(), AuditFailure> {
        let size = self.checkpoint.size();
        for path in new_tiles(0, size).filter(|path| path.is_partial()) {
            if let TileKind::Hashes { level } = path.kind() {
                self.edge.insert(level, self.read(path).await?);
            }
        }
        let plan = RootPlan::new(size).map_err(|_| Finding::Root { size })?;
        let hash = |node: cyberid_tlog::node::Node| {
            let (coord, subtree) = node.tile();
            self.edge.get(&coord.level)?.subtree_hash(subtree)
        };
        if plan.root(hash).is_ok_and(|root| root == self.checkpoint.root()) {
            return Ok(());
        }
        Err(blame(self.source, &self.checkpoint).await)
    }

    /// A tile that leads to the signed root.
    pub(crate) async fn tile(&mut self, level: u8, index: u64) -> Result<Tile, AuditFailure> {
        let size = self.checkpoint.size();
        let missing = || Finding::Root { size };
        let mut below = Vec::new();
        let (mut level, mut index) = (level, index);
        // Up to a tile that is known to lead there, and down again.
        let mut tile = loop {
            let path = TileCoord { level, index }.path(size).ok_or_else(missing)?;
            if path.is_partial() {
                break self.edge.get(&level).cloned().ok_or_else(missing)?;
            }
            match self.tower.get(&level) {
                Some((held, tile)) if *held == index => break tile.clone(),
                _ => below.push(path),
            }
            (level, index) = (level + 1, index / u64::from(FULL_WIDTH));
        };
        while let Some(path) = below.pop() {
            let place = usize::try_from(path.index() % u64::from(FULL_WIDTH)).unwrap_or(usize::MAX);
            let child = self.read(path).await?;
            if tile.hashes().get(place) != Some(&full_root(&child)) {
                return Err(wrong(path).into());
            }
            if let TileKind::Hashes { level } = path.kind() {
                self.tower.insert(level, (path.index(), child.clone()));
            }
            tile = child;
        }
        Ok(tile)
    }

    /// The root of the first `size` leaves, as this checkpoint has them.
    pub(crate) async fn root_at(&mut self, size: u64) -> Result<Hash, AuditFailure> {
        let fault = || Finding::Root { size };
        let plan = RootPlan::new(size).map_err(|_| fault())?;
        let mut hashes = BTreeMap::new();
        for node in plan.nodes() {
            let (coord, subtree) = node.tile();
            let tile = self.tile(coord.level, coord.index).await?;
            hashes.insert(*node, tile.subtree_hash(subtree).ok_or_else(fault)?);
        }
        let root = plan.root(|node| hashes.get(&node).copied());
        Ok(root.map_err(|_| fault())?)
    }

    /// The entries of the bundle `index`, each the one that the log committed to.
    pub(crate) async fn bundle(&mut self, index: u64) -> Result<Bundle, AuditFailure> {
        let tile = self.tile(0, index).await?;
        let size = self.checkpoint.size();
        let path = entries_path(index, tile.hashes().len()).ok_or(Finding::Root { size })?;
        let (found, bytes) = read_tile(self.source, path).await?;
        Ok(Bundle::check(found, bytes, &tile)?)
    }

    async fn read(&self, path: TilePath) -> Result<Tile, AuditFailure> {
        let (found, bytes) = read_tile(self.source, path).await?;
        let tile = Tile::parse(&bytes, found.width()).map_err(|_| wrong(found))?;
        let hashes = tile.hashes().iter().take(usize::from(path.width()));
        Ok(Tile::from_hashes(hashes.copied().collect()).ok_or_else(|| wrong(found))?)
    }
}

/// The root of the 256 hashes of a full tile.
fn full_root(tile: &Tile) -> Hash {
    let mut row = tile.hashes().to_vec();
    while row.len() > 1 {
        let (pairs, _) = row.as_chunks::<2>();
        row = pairs
            .iter()
            .map(|&[left, right]| node_hash(left, right))
            .collect();
    }
    row.first().copied().unwrap_or(cyberid_tlog::hash::EMPTY_ROOT)
}

pub(crate) fn wrong(path: TilePath) -> Finding {
    Finding::Tile {
        path: path.to_string(),
    }
}
