//! One audit of one ledger, from the first leaf to the last.

use std::collections::BTreeMap;

use cyberid_protocol::leaf::Leaf;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{FULL_WIDTH, Tile, TileKind, TilePath, decode_bundle, new_tiles};
use cyberid_tlog::tree::Frontier;
use serde::Serialize;

use crate::chain::Chains;
use crate::finding::{AuditFailure, Finding};
use crate::source::LedgerSource;

/// Told how far an audit is: leaves done, of how many.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// What a clean audit saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// How many leaves, each re-hashed.
    pub size: u64,
    /// The root, base64.
    pub root: String,
    /// The witnesses that cosigned.
    pub witnesses: Vec<String>,
    /// How many leaves of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// How many releases, each in order.
    pub releases: u64,
    /// The size of the kept checkpoint that this log continues; nothing at the first audit.
    pub continues: Option<u64>,
}

/// Audits the ledger in `source`. `kept` is the size and root that were accepted last time.
pub async fn audit(
    source: &dyn LedgerSource,
    log: &VerifierKey,
    policy: &Policy,
    kept: Option<(u64, Hash)>,
    progress: Progress<'_>,
) -> Result<Report, AuditFailure> {
    let note = source.read("checkpoint").await?;
    let checkpoint = VerifiedCheckpoint::open(&note, log).map_err(Finding::from)?;
    let cosignatures = policy.satisfied_by(&checkpoint).map_err(Finding::from)?;
    let size = checkpoint.size();
    let mut audit = Audit::new(kept);
    if let Some((kept, _)) = kept.filter(|(kept, _)| *kept > size) {
        return Err(Finding::Cut { size, kept }.into());
    }
    audit.check_past()?;
    for path in new_tiles(0, size).filter(|path| path.kind() == TileKind::Hashes { level: 0 }) {
        audit.bundle(source, path).await?;
        progress(audit.tree.size(), size);
    }
    audit.conclude(&checkpoint)?;
    audit.upper_tiles(source, size).await?;
    Ok(Report {
        origin: checkpoint.checkpoint().origin().to_owned(),
        size,
        root: checkpoint.root().to_base64(),
        witnesses: cosignatures
            .iter()
            .map(|cosignature| cosignature.witness.name().to_owned())
            .collect(),
        releases: audit.chains.releases() as u64,
        kinds: audit.kinds,
        continues: kept.map(|(kept, _)| kept),
    })
}

/// An audit under way.
struct Audit {
    tree: Frontier,
    chains: Chains,
    kinds: BTreeMap<String, u64>,
    kept: Option<(u64, Hash)>,
    /// The first leaf whose hash is not the one in its tile, with the tile.
    differing: Option<(u64, String)>,
    /// The first leaf that is not of the format, or breaks its chain.
    misplaced: Option<Finding>,
    /// The hashes of complete nodes above the leaves, by level of tiles.
    upper: BTreeMap<u8, Vec<Hash>>,
}

impl Audit {
    fn new(kept: Option<(u64, Hash)>) -> Self {
        Self {
            tree: Frontier::new(),
            chains: Chains::default(),
            kinds: BTreeMap::new(),
            kept,
            differing: None,
            misplaced: None,
            upper: BTreeMap::new(),
        }
    }

    async fn bundle(&mut self, source: &dyn LedgerSource, path: TilePath) -> Result<(), AuditFailure> {
        let first_index = path.index() * u64::from(FULL_WIDTH);
        let entries_path =
            TilePath::new(TileKind::Entries, path.index(), path.width()).map(|path| path.to_string());
        let entries_path = entries_path.unwrap_or_default();
        let bytes = source.read(&entries_path).await?;
        let hashes = source.read(&path.to_string()).await?;
        let tile = Tile::parse(&hashes, path.width()).map_err(|_| Finding::Tile {
            path: path.to_string(),
        })?;
        let damaged = || Finding::Bundle {
            path: entries_path.clone(),
            first_index,
        };
        let entries = decode_bundle(&bytes, path.width()).map_err(|_| damaged())?;
        for (entry, hash) in entries.into_iter().zip(tile.hashes()) {
            self.leaf(entry, *hash, path)?;
        }
        Ok(())
    }

    fn leaf(&mut self, entry: &[u8], expected: Hash, path: TilePath) -> Result<(), Finding> {
        let index = self.tree.size();
        let hash = leaf_hash(entry);
        if hash != expected && self.differing.is_none() {
            self.differing = Some((index, path.to_string()));
        }
        if let Err(finding) = self.meaning(index, entry) {
            self.misplaced.get_or_insert(finding);
        }
        let completed = self
            .tree
            .append(hash)
            .map_err(|_| Finding::Root { size: index })?;
        for node in completed {
            if node.node.level() > 0 && node.node.level() % 8 == 0 {
                self.upper
                    .entry(node.node.level() / 8)
                    .or_default()
                    .push(node.hash);
            }
        }
        self.check_past()
    }

    /// What the leaf says, and whether it may stand here.
    fn meaning(&mut self, index: u64, entry: &[u8]) -> Result<(), Finding> {
        let text = std::str::from_utf8(entry).map_err(|_| Finding::LeafFormat { index })?;
        let leaf = Leaf::from_text(text).map_err(|_| Finding::LeafFormat { index })?;
        *self.kinds.entry(leaf.kind.as_str().to_owned()).or_default() += 1;
        self.chains
            .next(leaf, text)
            .map_err(|broken| Finding::Chain { index, broken })
    }

    /// Compares with the kept checkpoint at the moment its size is reached. Where a leaf is not the one of its tile, it is
    /// to blame, and named.
    fn check_past(&mut self) -> Result<(), Finding> {
        match self.kept {
            Some((kept, root)) if kept == self.tree.size() => {
                self.kept = None;
                let same = self.tree.root() == root;
                let altered = self.differing.as_ref();
                let why = altered.map_or(Finding::Rewritten { kept }, |(index, _)| Finding::LeafAltered {
                    index: *index,
                });
                same.then_some(()).ok_or(why)
            }
            _ => Ok(()),
        }
    }

    /// With all leaves read: the root decides whether a leaf or its tile is at fault, and an altered leaf is named
    /// before what its altered words would mean.
    fn conclude(&self, checkpoint: &VerifiedCheckpoint) -> Result<(), Finding> {
        let root_fits = self.tree.root() == checkpoint.root();
        match (&self.differing, root_fits) {
            (Some((index, _)), false) => return Err(Finding::LeafAltered { index: *index }),
            (Some((_, path)), true) => return Err(Finding::Tile { path: path.clone() }),
            (None, false) => {
                return Err(Finding::Root {
                    size: checkpoint.size(),
                });
            }
            (None, true) => {}
        }
        self.misplaced.clone().map_or(Ok(()), Err)
    }

    /// Compares the tiles above the leaves with what the leaves make.
    async fn upper_tiles(&self, source: &dyn LedgerSource, size: u64) -> Result<(), AuditFailure> {
        for path in new_tiles(0, size) {
            let TileKind::Hashes { level: level @ 1.. } = path.kind() else {
                continue;
            };
            let tile = Tile::parse(&source.read(&path.to_string()).await?, path.width());
            let start = usize::try_from(path.index())
                .unwrap_or(usize::MAX)
                .saturating_mul(usize::from(FULL_WIDTH));
            let expected = self
                .upper
                .get(&level)
                .and_then(|hashes| hashes.get(start..start.saturating_add(usize::from(path.width()))));
            if expected.is_none() || tile.ok().as_ref().map(Tile::hashes) != expected {
                return Err(Finding::Tile {
                    path: path.to_string(),
                }
                .into());
            }
        }
        Ok(())
    }
}
